#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_source.h"
#include "metrics/metrics.h"
#include "model/model.h"

namespace hearth::model {

namespace router {
class Desk;
/// How much of a model a request needs, or a model is.
enum class Level : std::uint8_t { Operational, Tactical, Strategic };
const char* level_name(Level level);
}  // namespace router

/// A model that a router may choose. Outlives it.
struct RoutedModel {
  Model* model = nullptr;
  router::Level level = router::Level::Tactical;
  bool is_local = true;
  /// Models of one machine fail together: those of the same text share what is known of their
  /// failures. Empty: it shares with none.
  std::string circuit{};
};

struct RouterOptions {
  bool forwards_while_loading = true;  // rather a provider than to wait for a model that loads
  /// Messages that sound as if somebody were in danger go to no small model alone, and their answer
  /// ends with `help_lines`.
  bool watches_for_crises = true;
  std::string help_lines{};
};

/// Chooses the model for requests that name none: "auto" by what they need, "local" the same among
/// the local ones, "operational", "tactical" and "strategic" by their level. Each of these is a
/// Model. One that fails before it has said anything is passed over, and the next is asked; the
/// client sees chat::Started::route. A model that fails five times in a row is not asked for 60 s,
/// then once, to see. Any thread.
class Router {
 public:
  /// `models` in the order in which they are to be preferred; at least one.
  Router(std::vector<RoutedModel> models, RouterOptions options, const TimeSource& time,
         metrics::Registry& metrics);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Null: no such name. As long as the router lives.
  Model* find(std::string_view name) const;
  /// How a request to that name would be routed now; without a model where there is none.
  /// `name` is one that find() knows.
  chat::Route explain(std::string_view name, const chat::Request& request) const;

  struct Place {
    router::Level level = router::Level::Tactical;
    std::string remark{};  // why it is not chosen at the moment; empty: it may be
  };
  /// How it stands with one of its models; absent: it is none of them.
  std::optional<Place> place_of(const Model& model) const;

  /// What can be said of a request without knowing any model: its level, and why. Pure.
  static chat::Route assess(const chat::Request& request);

 private:
  class Facade;
  std::shared_ptr<router::Desk> desk_;
  std::vector<std::unique_ptr<Facade>> facades_{};
};

}  // namespace hearth::model
