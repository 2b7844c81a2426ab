#include "model/router.h"

#include <algorithm>

#include "model/router/attempt.h"

namespace hearth::model {
namespace {

class RoutedGeneration final : public Generation {
 public:
  explicit RoutedGeneration(std::shared_ptr<router::Attempt> attempt)
      : attempt_(std::move(attempt)) {}
  ~RoutedGeneration() override { attempt_->give_up(std::nullopt); }
  void cancel() override {
    attempt_->give_up(
        chat::Event(chat::Failed{{Code::Cancelled, "the request was cancelled", {}}}));
  }

 private:
  const std::shared_ptr<router::Attempt> attempt_;
};

}  // namespace

/// A name that stands for a choice, as a model.
class Router::Facade final : public Model {
 public:
  Facade(std::shared_ptr<router::Desk> desk, const router::Named& named)
      : desk_(std::move(desk)), named_(named), name_(named.name) {}

  const std::string& name() const override { return name_; }
  State state() const override { return State::Ready; }
  std::string state_text() const override { return ""; }
  engine::ModelFacts facts() const override {
    engine::ModelFacts facts;
    facts.name = name_;
    return facts;
  }
  std::uint32_t context_tokens() const override { return desk_->at(0).model->context_tokens(); }
  bool is_on_demand() const override { return true; }

  Result<std::unique_ptr<Generation>> start(chat::Request request,
                                            std::shared_ptr<EventSink> sink) override {
    auto plan = desk_->plan(named_, request);
    const auto attempt = std::make_shared<router::Attempt>(desk_, std::move(plan),
                                                           std::move(request), std::move(sink));
    TRY_VOID(attempt->begin());
    return std::unique_ptr<Generation>(std::make_unique<RoutedGeneration>(attempt));
  }
  Result<Embeddings> embed(const Call& call, std::vector<EmbedInput> inputs) override {
    return desk_->at(0).model->embed(call, std::move(inputs));
  }
  Result<std::vector<chat::Token>> tokenize(const Call& call, std::string text, bool add_special,
                                            bool parse_special) override {
    return desk_->at(0).model->tokenize(call, std::move(text), add_special, parse_special);
  }
  Result<std::string> detokenize(const Call& call, std::vector<chat::Token> tokens) override {
    return desk_->at(0).model->detokenize(call, std::move(tokens));
  }
  Choice choose(const std::function<chat::Request()>& request,
                const std::vector<Model*>& failed) override {
    auto plan = desk_->plan(named_, request());
    // Then there is more to do than to choose.
    if (plan.is_crisis) return {.model = failed.empty() ? this : nullptr};
    std::erase_if(plan.order, [&](std::size_t model) {
      return std::ranges::find(failed, desk_->at(model).model) != failed.end();
    });
    // Of these the caller knows why.
    std::erase_if(plan.route.passed_over, [&](const std::string& line) {
      return std::ranges::any_of(
          failed, [&](const Model* one) { return line.starts_with(one->name() + ": "); });
    });
    if (plan.order.empty()) return {.model = failed.empty() ? desk_->at(0).model : nullptr};
    Choice choice{.model = desk_->at(plan.order.front()).model, .route = std::move(plan.route)};
    choice.route->model = choice.model->name();
    choice.another_waits = plan.order.size() > 1;
    choice.cheaper_waits = desk_->is_cheaper_behind(plan, 0);
    return choice;
  }
  void learn(Model& chosen, const Error* failed) override {
    const auto model = desk_->find(chosen);
    if (!model) return;
    failed ? desk_->failed(*model, *failed) : desk_->succeeded(*model);
  }

  chat::Route explain(const chat::Request& request) const {
    return desk_->plan(named_, request).route;
  }

 private:
  const std::shared_ptr<router::Desk> desk_;
  const router::Named& named_;
  const std::string name_;
};

Router::Router(std::vector<RoutedModel> models, RouterOptions options, const TimeSource& time,
               metrics::Registry& metrics)
    : desk_(std::make_shared<router::Desk>(std::move(models), std::move(options), time, metrics)) {
  for (const router::Named& named : router::all_named())
    facades_.push_back(std::make_unique<Facade>(desk_, named));
}

Router::~Router() = default;

chat::Route Router::assess(const chat::Request& request) {
  return router::route_of(router::assess(request), router::crisis_of(request));
}

std::optional<Router::Place> Router::place_of(const Model& model) const {
  const auto at = desk_->find(model);
  if (!at) return std::nullopt;
  return Place{.level = desk_->at(*at).level, .remark = desk_->remark(*at)};
}

Model* Router::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(facades_, [name](const auto& facade) { return facade->name() == name; });
  return found == facades_.end() ? nullptr : found->get();
}

chat::Route Router::explain(std::string_view name, const chat::Request& request) const {
  const auto found =
      std::ranges::find_if(facades_, [name](const auto& facade) { return facade->name() == name; });
  return found == facades_.end() ? chat::Route{} : (*found)->explain(request);
}

}  // namespace hearth::model
