#include "app/assistant.h"

#include <charconv>

#include "api/api.h"
#include "app/rules.h"
#include "store/memories.h"
#include "tools/builtin.h"

namespace hearth::app {
namespace {

/// The store's memories, as tools know them.
class StoredMemories final : public tools::MemoryBook {
 public:
  StoredMemories(store::Store& store, const TimeSource& time) : memories_(store, time) {}

  Result<tools::Memory> remember(const Call& call, const std::string& owner,
                                 const std::string& text) override {
    TRY(const store::Memory kept, memories_.remember(call, owner, text));
    return as_tools_know(kept);
  }
  Result<std::vector<tools::Memory>> recall(const Call& call, const std::string& owner,
                                            const std::string& words, std::size_t count) override {
    TRY(const auto found, memories_.recall(call, owner, words, count));
    std::vector<tools::Memory> out;
    std::vector<std::int64_t> ids;
    for (const store::Memory& memory : found) {
      out.push_back(as_tools_know(memory));
      ids.push_back(memory.id);
    }
    TRY_VOID(memories_.mark_used(call, owner, ids));
    return out;
  }
  Result<void> forget(const Call& call, const std::string& owner, const std::string& id) override {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size())
      return Error{Code::NotFound, "there is no memory \"" + id + "\"", "id"};
    return memories_.forget(call, owner, number);
  }

 private:
  static tools::Memory as_tools_know(const store::Memory& memory) {
    return {std::to_string(memory.id), memory.text, memory.created_ms};
  }
  store::Memories memories_;
};

}  // namespace

Result<std::unique_ptr<Assistant>> Assistant::open(const config::Config& config,
                                                   store::Store& store, const TimeSource& time) {
  if (config.tools.workspace.empty()) return std::unique_ptr<Assistant>();
  std::unique_ptr<Assistant> made(new Assistant());
  TRY(made->workspace_,
      tools::Workspace::open({.roots = config.tools.workspace, .kept_out = {config.data_dir}}));
  TRY(made->undo_, tools::Undo::open(config.data_dir + "/undo", time));
  made->memories_ = std::make_unique<StoredMemories>(store, time);
  TRY(auto registry,
      tools::Registry::make(tools::built_in_tools({*made->undo_, *made->memories_, time})));
  made->registry_ = std::make_unique<tools::Registry>(std::move(registry));
  agent::Toolbox::Parts parts{.store = store, .time = time, .registry = *made->registry_};
  parts.workspace = made->workspace_.get();
  parts.plan_mode = config.policy.plan_mode;
  parts.approval_timeout = config.policy.approval_timeout;
  parts.output_bytes_max = config.tools.output_bytes_max;
  TRY(parts.rules, read_rules(config, unix_time<Millis>(time)));
  made->toolbox_ = std::make_unique<agent::Toolbox>(std::move(parts));
  return made;
}

agent::Parts turn_parts(const config::Config& config, store::Store& store, const TimeSource& time,
                        std::function<model::Model*(std::string_view)> find_model,
                        const Assistant* assistant) {
  context::StaticZone::Parts zone{.instructions = config.context.instructions};
  if (assistant) zone.tools = assistant->toolbox().offered();
  return {.store = store,
          .time = time,
          .find_model = std::move(find_model),
          .read_request = api::read_session_request,
          .toolbox = assistant ? &assistant->toolbox() : nullptr,
          .rounds_max = config.agent.rounds_max,
          .turn_timeout = config.agent.turn_timeout,
          .zone = context::StaticZone(std::move(zone)),
          .window = {config.context.history_tokens_max, config.context.recent_messages_max},
          .shows_date = config.context.show_date,
          .memories_max = config.context.memories_max,
          .summary_model = config.context.summary_model,
          .build = HEARTH_VERSION};
}

}  // namespace hearth::app
