#include "model/local/local_model.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/fields.h"
#include "engine/board_path.h"
#include "engine/builtin_model.h"
#include "model/facts/fingerprint.h"
#include "model/local/client.h"
#include "model/local/engine_instruments.h"

namespace hearth::model {
namespace {

Result<engine::KvType> read_kv_type(const std::string& text) {
  if (text == "auto") return engine::KvType::Auto;
  if (text == "f16") return engine::KvType::F16;
  if (text == "q8_0") return engine::KvType::Q8_0;
  return Error{Code::InvalidInput, "model.kv_type: auto, f16 or q8_0 is required", "model.kv_type"};
}

std::string name_of(const config::Config::Model& model) {
  if (!model.name.empty()) return model.name;
  if (model.path.empty()) return engine::kBuiltinModelName;
  return std::filesystem::path(model.path).stem().string();
}

/// With several tokens, none of them may take the last quarter of the queue (at least one place).
std::uint32_t queue_reserved(const config::Config& config) {
  const std::uint32_t queue_max = config.model.queue_max;
  if (config.server.tokens.size() < 2 || queue_max < 2) return 0;
  return std::max(queue_max / 4, 1u);
}

std::string runtime_dir() {
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  return folder ? folder : "";
}

/// Asks, and expects an answer of one kind.
template <class Reply>
Result<Reply> ask_for(local::Client& client, const Call& call, std::uint64_t id,
                      const engine::Request& request) {
  TRY(auto reply, client.ask(call, id, request));
  if (auto* right = std::get_if<Reply>(&reply)) return std::move(*right);
  return Error{Code::Internal, "the engine gave an answer of another kind"};
}

class LocalGeneration final : public Generation {
 public:
  LocalGeneration(std::shared_ptr<local::Client> client, local::WorkPointer work)
      : client_(std::move(client)), work_(std::move(work)) {}
  ~LocalGeneration() override { client_->end(work_, std::nullopt); }
  void cancel() override {
    client_->end(work_, chat::Event(chat::Failed{{Code::Cancelled, "the request was cancelled"}}));
  }

 private:
  const std::shared_ptr<local::Client> client_;
  const local::WorkPointer work_;
};

/// An answer that passes over what it was asked about would be worse than none.
Result<void> refuse_images(const chat::Request& request, const std::string& model) {
  const auto* const talk = std::get_if<chat::Conversation>(&request.prompt);
  const auto has_images = [](const chat::Message& message) { return !message.images.empty(); };
  if (!talk || std::ranges::none_of(talk->messages, has_images)) return ok();
  return field_error("messages", "model '" + model + "' cannot see images");
}

}  // namespace

Result<LocalOptions> local_options(const config::Config& config) {
  const auto& model = config.model;
  TRY(const auto kv_type, read_kv_type(model.kv_type));
  LocalOptions options{.name = name_of(model)};
  options.path = model.path;
  options.load = {.context_tokens = model.context_tokens,
                  .slots = model.slots,
                  .threads = model.threads,
                  .prefill_chunk_tokens = model.prefill_chunk_tokens,
                  .gpu_layers = model.gpu_layers,
                  .kv_type = kv_type,
                  .deterministic = model.deterministic,
                  .core_board = engine::default_board_path(runtime_dir())};
  options.snapshots = {.directory = config.data_dir + "/kv",
                       .bytes_max = config.cache.disk_bytes_max};
  options.queue_max = model.queue_max;
  options.queue_reserved = queue_reserved(config);
  options.token_timeout = model.token_timeout;
  // Whoever wants tokens sooner does not want to wait longer for the end of an engine that hangs.
  options.cancel_grace = std::min(options.cancel_grace, model.token_timeout);
  options.request_timeout = model.request_timeout;
  options.facts_file = config.data_dir + "/cache/model-facts.json";
  return options;
}

Result<std::unique_ptr<LocalModel>> LocalModel::open(LocalOptions options, const TimeSource& time,
                                                     metrics::Registry& metrics) {
  auto instruments = std::make_unique<local::EngineInstruments>(metrics, options.name);
  auto client = std::make_shared<local::Client>(std::move(options), time, metrics);
  std::unique_ptr<LocalModel> model(new LocalModel(client, std::move(instruments)));
  try {
    model->reader_ = std::jthread([client](const std::stop_token& stop) { client->run(stop); });
    model->hasher_ = std::jthread([client](const std::stop_token& stop) {
      const auto& wanted = client->options();
      client->set_fingerprint(facts::find_fingerprint(stop, wanted.path, wanted.facts_file));
    });
  } catch (const std::system_error& error) {
    return Error{Code::Unavailable, std::string("cannot start a thread: ") + error.what()};
  }
  return model;
}

LocalModel::LocalModel(std::shared_ptr<local::Client> client,
                       std::unique_ptr<local::EngineInstruments> instruments)
    : client_(std::move(client)), instruments_(std::move(instruments)) {}

LocalModel::~LocalModel() {
  reader_.request_stop();
  hasher_.request_stop();
}

const std::string& LocalModel::name() const { return client_->options().name; }
State LocalModel::state() const { return client_->state(); }
std::string LocalModel::state_text() const { return client_->state_text(); }
engine::ModelFacts LocalModel::facts() const { return client_->facts(); }
std::string LocalModel::numerics() const { return client_->numerics(); }
std::uint32_t LocalModel::context_tokens() const { return client_->context_tokens(); }

Result<std::unique_ptr<Generation>> LocalModel::start(chat::Request request,
                                                      std::shared_ptr<EventSink> sink) {
  TRY_VOID(refuse_images(request, name()));
  TRY(auto work, client_->start(std::move(request), std::move(sink)));
  return std::unique_ptr<Generation>(std::make_unique<LocalGeneration>(client_, std::move(work)));
}

Result<Embeddings> LocalModel::embed(const Call& call, std::vector<EmbedInput> inputs) {
  const auto id = client_->next_id();
  const std::size_t wanted = inputs.size();
  TRY(auto reply,
      ask_for<engine::Embedded>(*client_, call, id, engine::Embed{id, std::move(inputs)}));
  if (reply.vectors.size() != wanted)
    return Error{Code::Internal, "the engine gave " + std::to_string(reply.vectors.size()) +
                                     " vectors for " + std::to_string(wanted) + " inputs"};
  return Embeddings{std::move(reply.vectors), reply.prompt_tokens};
}

Result<std::vector<chat::Token>> LocalModel::tokenize(const Call& call, std::string text,
                                                      bool add_special, bool parse_special) {
  const auto id = client_->next_id();
  TRY(auto reply,
      ask_for<engine::Tokens>(*client_, call, id,
                              engine::Tokenize{id, std::move(text), add_special, parse_special}));
  return std::move(reply.tokens);
}

Result<std::string> LocalModel::detokenize(const Call& call, std::vector<chat::Token> tokens) {
  const auto id = client_->next_id();
  TRY(auto reply,
      ask_for<engine::Text>(*client_, call, id, engine::Detokenize{id, std::move(tokens)}));
  return std::move(reply.text);
}

void LocalModel::refresh_metrics(const Call& call) {
  const auto told = stats(call);
  if (told.ok()) instruments_->note(told.value());
}

Result<engine::StatsReply> LocalModel::stats(const Call& call) {
  const auto id = client_->next_id();
  return ask_for<engine::StatsReply>(*client_, call, id, engine::Stats{id});
}

}  // namespace hearth::model
