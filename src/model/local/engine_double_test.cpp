// An engine process without a model, for local_model_test.cpp: this test program, started again.
#include "model/local/engine_double.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "engine/frames.h"
#include "process/child.h"

namespace hearth::model::local {

std::vector<std::string> engine_double_arguments() {
  return {"--gtest_also_run_disabled_tests", "--gtest_brief=1",
          "--gtest_filter=EngineDouble.DISABLED_Run"};
}

namespace {

using process::Frame;

class EngineDouble {
 public:
  /// Until the socket closes.
  void run() {
    while (true) {
      const auto frame = channel_.receive({Clock::time_point::max(), {}});
      if (!frame.ok()) return;
      auto request = engine::decode_request(frame.value().type, frame.value().payload);
      if (!request.ok()) ::_exit(1);
      std::visit([this](const auto& it) { answer(it); }, request.value());
    }
  }

 private:
  void say(const engine::Reply& reply) {
    auto encoded = engine::encode(reply);
    say_frame({engine::kProtocolVersion, encoded.type, std::move(encoded.payload)});
  }
  void say_frame(const Frame& frame) {
    if (!channel_.send({Clock::time_point::max(), {}}, frame).ok()) ::_exit(0);
  }
  void say(std::uint64_t id, chat::Event event) {
    say(engine::GenerateEvent{id, std::move(event)});
  }

  void answer(const engine::Load& load) {
    if (load.path == "exits") ::_exit(3);
    say(engine::LoadProgress{0.42f});
    if (load.path == "stuck") return;
    const char how = load.path.starts_with("gate:") ? wait_at(load.path.substr(5)) : 'r';
    if (how == 'x') ::_exit(3);
    if (load.path == "refused" || how == 'f') {
      say(engine::LoadFailed{{Code::Corrupt, "the file is cut short", "model.path"}});
      return;
    }
    engine::Loaded loaded;
    loaded.facts.name = "Double";
    loaded.facts.architecture = "none";
    loaded.context_tokens = 128;
    loaded.slots = load.options.slots;
    loaded.threads = 1;
    say(loaded);
  }

  static char wait_at(const std::string& fifo) {
    const int fd = ::open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
    char how = 'x';
    if (::read(fd, &how, 1) != 1) how = 'x';
    ::close(fd);
    return how;
  }

  void answer(const engine::Generate& generate) {
    const auto id = generate.id;
    const auto& text = std::get<chat::PlainText>(generate.request.prompt).text;
    if (text == "wait") return;
    if (text == "stop") ::raise(SIGSTOP);
    if (text == "fail")
      return say(id, chat::Failed{{Code::InvalidInput, "a bad grammar", "grammar"}});
    if (text == "garbage") return say_frame({engine::kProtocolVersion, 68, "\xc1"});
    if (text == "version") return say_frame({99, 68, ""});
    say(id, chat::Started{10, 4, 7});
    if (text == "wedge") deaf_ = true;
    if (text == "hang" || text == "wedge") return;
    const std::uint32_t count =
        text == "crash" ? 1 : static_cast<std::uint32_t>(std::stoul(text.substr(6)));
    for (std::uint32_t i = 0; i < count; ++i) say(id, chat::Delta{.content = "x"});
    if (text == "crash") ::raise(SIGKILL);
    say(id,
        chat::Finished{.usage = {10, 4, count},
                       .timings = {.drafted_tokens = 6, .accepted_tokens = 4, .forced_tokens = 2}});
  }

  void answer(const engine::Cancel& cancel) {
    if (!deaf_) say(cancel.id, chat::Failed{{Code::Cancelled, "cancelled"}});
  }
  void answer(const engine::Embed& embed) {
    engine::Embedded embedded{.id = embed.id, .vectors = {}, .prompt_tokens = 0};
    for (const auto& input : embed.inputs) {
      const auto* text = std::get_if<std::string>(&input);
      if (text && *text == "hang") return;
      if (text && *text == "crash") ::raise(SIGKILL);
      embedded.vectors.push_back({1, 0});
      embedded.prompt_tokens += 3;
    }
    say(embedded);
  }
  void answer(const engine::Tokenize& tokenize) {
    engine::Tokens tokens{.id = tokenize.id, .tokens = {}};
    for (const char byte : tokenize.text) tokens.tokens.push_back(static_cast<unsigned char>(byte));
    say(tokens);
  }
  void answer(const engine::Detokenize& detokenize) {
    if (detokenize.tokens.empty()) {
      say(engine::RequestFailed{detokenize.id, {Code::InvalidInput, "no tokens", "tokens"}});
      return;
    }
    say(engine::Text{detokenize.id,
                     std::string(detokenize.tokens.begin(), detokenize.tokens.end())});
  }
  void answer(const engine::Stats& stats) {
    engine::StatsReply reply{.id = stats.id, .generating = 5};
    reply.cores = {.threads = 1,
                   .cores = 2,
                   .limit = engine::CoreUse::Limit::Neighbours,
                   .engines = 1,
                   .shares = true,
                   .neighbour_cores = 0.5f,
                   .downs = ++asked_,
                   .ups = 0,
                   .denied_us = 1'500'000};
    reply.prefixes = {.hits = asked_, .misses = 0, .evictions = 2 * asked_, .kept = 3, .pinned = 1};
    reply.kv_cells = 2'048;
    reply.kv_cells_used = 100;
    say(reply);
  }
  void answer(const engine::Identify&) {}
  void answer(const engine::Unload&) { ::_exit(0); }

  process::FrameChannel channel_{process::kChildSocket};
  bool deaf_ = false;
  std::uint64_t asked_ = 0;  // for Stats
};

TEST(EngineDouble, DISABLED_Run) { EngineDouble().run(); }

}  // namespace
}  // namespace hearth::model::local
