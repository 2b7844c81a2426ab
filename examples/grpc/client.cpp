// Asks Hearth over gRPC and prints the answer as it comes:
//   client [--address HOST:PORT] [--token TOKEN] PROMPT
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <string>

#include "aios/runtime.grpc.pb.h"

namespace {

struct Options {
  std::string address = "127.0.0.1:50051";
  std::string token{};
  std::string prompt{};
};

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--address" && i + 1 < count) {
      options.address = words[++i];
    } else if (word == "--token" && i + 1 < count) {
      options.token = words[++i];
    } else {
      options.prompt += (options.prompt.empty() ? "" : " ") + word;
    }
  }
  return options;
}

grpc::Status ask(const Options& options) {
  const auto channel = grpc::CreateChannel(options.address, grpc::InsecureChannelCredentials());
  const auto runtime = aios::runtime::AIRuntime::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
  if (!options.token.empty()) context.AddMetadata("authorization", "Bearer " + options.token);
  aios::runtime::InferRequest request;
  request.set_prompt(options.prompt);
  const auto answer = runtime->StreamInfer(&context, request);
  aios::runtime::InferChunk chunk;
  while (answer->Read(&chunk)) {
    std::cout << chunk.text() << std::flush;
    if (chunk.done())
      std::cout << "\n(" << chunk.tokens_used() << " tokens in " << chunk.latency_ms() << " ms by "
                << chunk.model_used() << ")\n";
  }
  return answer->Finish();
}

}  // namespace

int main(int count, char** words) {
  const Options options = read_options(count, words);
  if (options.prompt.empty()) {
    std::cerr << "usage: client [--address HOST:PORT] [--token TOKEN] PROMPT\n";
    return 2;
  }
  const grpc::Status status = ask(options);
  if (status.ok()) return 0;
  std::cerr << "status " << status.error_code() << ": " << status.error_message() << "\n";
  return 1;
}
