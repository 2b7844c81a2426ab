#include "model/spending/purchase.h"

#include <algorithm>
#include <utility>

#include "model/remote.h"

namespace hearth::model::spending {
namespace {

/// The most that a provider counts for one image. The small one counts 33 times as many tokens as
/// gpt-4o does, so that its images cost as much.
std::uint64_t image_tokens(const PaidModel& what) {
  return what.id.find("4o-mini") == std::string::npos ? 5'000 : 48'500;
}

}  // namespace

Purchase::Purchase(std::shared_ptr<Till> till, std::shared_ptr<const Goods> goods, Model& model,
                   chat::Request request, std::shared_ptr<EventSink> sink)
    : till_(std::move(till)),
      goods_(std::move(goods)),
      model_(model),
      request_(std::move(request)),
      account_(request_.account),
      session_(request_.session),
      purpose_(request_.purpose),
      cheaper_waits_(request_.cheaper_waits),
      prompt_tokens_max_(tokens_at_most(request_, image_tokens(goods_->what))),
      answer_tokens_max_(request_.tokens_max.value_or(goods_->what.answer_tokens_max)),
      worst_micro_(policy::worst_case(goods_->price, prompt_tokens_max_, answer_tokens_max_)),
      delivery_(std::move(sink)) {
  request_.tokens_max = answer_tokens_max_;
}

store::Ledger::Wanted Purchase::wanted() {
  const policy::Period period = policy::period_of(unix_time<Millis>(till_->time));
  const auto& owner_of = till_->options.owner_of;
  return {.expense = {.owner = owner_of ? owner_of(account_) : "",
                      .session_id = session_,
                      .purpose = purpose_,
                      .provider = goods_->what.provider,
                      .model = goods_->what.id},
          .worst_micro = worst_micro_,
          .since = {.day_ms = period.day_ms, .month_ms = period.month_ms},
          .decide = [this, period](const store::Totals& totals) { return decide(totals, period); }};
}

Result<void> Purchase::decide(const store::Totals& totals, const policy::Period& period) {
  const policy::Spent spent{.day = totals.day_micro,
                            .month = totals.month_micro,
                            .session = totals.session_micro,
                            .owner_day = totals.owner_day_micro,
                            .purpose_day = totals.purpose_day_micro};
  TRY(standing_, policy::weigh(till_->options.caps, spent, purpose_, worst_micro_, period));
  if (standing_.kind == policy::Standing::Kind::Low && cheaper_waits_)
    return Error{Code::Denied, standing_.text + ", so that a cheaper model is asked", "budget"};
  return ok();
}

void Purchase::reserved(const Result<std::int64_t>& id) {
  if (!id.ok()) return refuse(id.error());
  id_ = id.value();
  {
    MutexLock lock(mutex_);
    if (is_given_up_) return release();
  }
  auto started = model_.start(std::move(request_), shared_from_this());
  if (!started.ok()) {
    release();
    delivery_.deliver(chat::Failed{started.error()});
    return;
  }
  std::unique_ptr<Generation> generation = std::move(started).value();
  {
    MutexLock lock(mutex_);
    if (!is_given_up_) std::swap(generation_, generation);
  }
  if (generation) generation->cancel();  // it was given up meanwhile; what it did cost is told
}

void Purchase::refuse(const Error& error) {
  goods_->refused->add();
  till_->left(number);
  delivery_.deliver(chat::Failed{error});
}

void Purchase::release() {
  till_->left(number);
  till_->settle({.id = id_});
}

/// A provider that does not count is believed to have taken the most.
std::int64_t Purchase::cost_of(const chat::Usage& usage, store::Consumption& taken) const {
  const std::uint64_t prompt = usage.prompt_tokens > 0 ? usage.prompt_tokens : prompt_tokens_max_;
  taken.cache_read_tokens = std::min<std::uint64_t>(usage.cached_tokens, prompt);
  taken.cache_write_tokens =
      std::min<std::uint64_t>(usage.cache_written_tokens, prompt - taken.cache_read_tokens);
  taken.input_tokens = prompt - taken.cache_read_tokens - taken.cache_write_tokens;
  taken.output_tokens =
      usage.completion_tokens > 0 ? usage.completion_tokens : tokens_said(said_bytes_);
  return policy::cost_of(goods_->price, {.input = taken.input_tokens,
                                         .cache_read = taken.cache_read_tokens,
                                         .cache_write = taken.cache_write_tokens,
                                         .output = taken.output_tokens});
}

void Purchase::settle(const chat::Usage& usage) {
  Settlement settlement{.id = id_};
  cost_micro_ = cost_of(usage, settlement.consumption);
  settlement.cost_micro = cost_micro_;
  goods_->cost_micro->add(static_cast<std::uint64_t>(cost_micro_));
  till_->left(number);
  till_->settle(settlement);
}

void Purchase::on_event(const chat::Event& event) {
  if (const auto* const delta = std::get_if<chat::Delta>(&event)) said_bytes_ += bytes_said(*delta);
  if (!chat::is_last(event)) {
    if (!delivery_.deliver(event)) give_up(std::nullopt);
    return;
  }
  chat::Event last = event;
  if (auto* const finished = std::get_if<chat::Finished>(&last)) {
    settle(finished->usage);
    finished->cost_micro = cost_micro_;
    if (!standing_.text.empty()) finished->notes.push_back(standing_.text);
  }
  if (auto* const failed = std::get_if<chat::Failed>(&last)) {
    failed->charged ? settle(*failed->charged) : release();
    failed->cost_micro = cost_micro_;
    MutexLock lock(mutex_);
    if (why_given_up_) failed->error = *why_given_up_;
  }
  delivery_.deliver(last);
}

void Purchase::give_up(std::optional<chat::Event> last) {
  if (!last) delivery_.close(std::nullopt);
  std::unique_ptr<Generation> generation;
  {
    MutexLock lock(mutex_);
    is_given_up_ = true;
    generation = std::move(generation_);
    if (const auto* const failed = last ? std::get_if<chat::Failed>(&*last) : nullptr)
      why_given_up_ = failed->error;
  }
  // Cancelled before it goes, since only then it tells what it did cost: that is the last word, if
  // there is one to come.
  if (generation) generation->cancel();
  if (last) delivery_.close(std::move(last));
}

}  // namespace hearth::model::spending
