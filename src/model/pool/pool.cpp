#include "model/pool/pool.h"

#include <set>
#include <system_error>

#include "model/pool/house.h"

namespace hearth::model {
namespace {

/// One model of a pool, loaded or not.
class PooledModel final : public Model {
 public:
  PooledModel(std::shared_ptr<pool::House> house, std::size_t at)
      : house_(std::move(house)), at_(at) {}

  const std::string& name() const override { return house_->entry(at_).name; }
  State state() const override { return house_->state(at_); }
  std::string state_text() const override { return house_->state_text(at_); }
  engine::ModelFacts facts() const override { return house_->facts(at_); }
  std::string numerics() const override { return house_->numerics(at_); }
  std::uint32_t context_tokens() const override { return house_->context_tokens(at_); }

  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override {
    return house_->start(at_, std::move(request), std::move(sink));
  }
  Result<Embeddings> embed(const Call& call, std::vector<EmbedInput> inputs) override {
    TRY(auto lease, house_->borrow(call, at_));
    return lease.model().embed(call, std::move(inputs));
  }
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override {
    TRY(auto lease, house_->borrow(call, at_));
    return lease.model().tokenize(call, std::move(text), add_special, parse_special);
  }
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override {
    TRY(auto lease, house_->borrow(call, at_));
    return lease.model().detokenize(call, std::move(tokens));
  }
  bool is_on_demand() const override { return !house_->entry(at_).at_start; }
  Result<void> load() override { return house_->order(at_); }
  Result<void> unload() override { return house_->dismiss(at_); }
  void refresh_metrics(const Call& call) override {
    if (const auto model = house_->loaded(at_)) model->refresh_metrics(call);
  }

 private:
  const std::shared_ptr<pool::House> house_;
  const std::size_t at_;
};

/// Those that are loaded at the start must fit together.
Result<void> check(const std::vector<PoolEntry>& entries, const PoolOptions& options) {
  std::set<std::string> names;
  std::uint64_t bytes = 0;
  for (const PoolEntry& entry : entries) {
    if (!names.insert(entry.name).second)
      return Error{Code::InvalidInput, "two models have the name '" + entry.name + "'",
                   "pool.model"};
    if (!entry.at_start) continue;
    bytes += entry.file.memory_bytes;
    if (bytes > options.memory_bytes_max)
      return Error{Code::InvalidInput,
                   "the models that are loaded at the start need " + pool::megabytes(bytes) +
                       " of memory up to '" + entry.name + "'; pool.memory_bytes_max is " +
                       pool::megabytes(options.memory_bytes_max),
                   "pool.memory_bytes_max"};
  }
  return ok();
}

}  // namespace

Pool::Pool(std::shared_ptr<pool::House> house) : house_(std::move(house)) {}

Result<std::unique_ptr<Pool>> Pool::open(std::vector<PoolEntry> entries, PoolOptions options,
                                         const TimeSource& time, metrics::Registry& metrics) {
  TRY_VOID(check(entries, options));
  const auto house = std::make_shared<pool::House>(std::move(entries), options, time, metrics);
  std::unique_ptr<Pool> made(new Pool(house));
  for (std::size_t at = 0; at < house->size(); ++at)
    made->models_.push_back(std::make_unique<PooledModel>(house, at));
  try {
    made->keeper_ = std::jthread([house](const std::stop_token& stop) { house->keep(stop); });
  } catch (const std::system_error& error) {
    return Error{Code::Unavailable, std::string("cannot start a thread: ") + error.what()};
  }
  return made;
}

Pool::~Pool() = default;

std::vector<Model*> Pool::models() const {
  std::vector<Model*> all;
  for (const auto& model : models_) all.push_back(model.get());
  return all;
}

}  // namespace hearth::model
