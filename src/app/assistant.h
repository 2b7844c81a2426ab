#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "agent/parts.h"
#include "agent/toolbox.h"
#include "base/result.h"
#include "base/time_source.h"
#include "config/config.h"
#include "store/store.h"
#include "tools/memory_book.h"
#include "tools/undo.h"

namespace hearth::app {

/// Hearth's own tools with all that they need, as the configuration opens them: the folders of
/// tools.workspace, undo/ of the data directory, and the store's memories.
class Assistant {
 public:
  /// Null if no folder is open to tools. What it borrows must outlive it. Errors: InvalidInput (a
  /// rule or a folder of the configuration cannot be used), Unavailable.
  static Result<std::unique_ptr<Assistant>> open(const config::Config& config, store::Store& store,
                                                 const TimeSource& time);
  const agent::Toolbox& toolbox() const { return *toolbox_; }

 private:
  Assistant() = default;
  std::unique_ptr<tools::Workspace> workspace_;
  std::unique_ptr<tools::Undo> undo_;
  std::unique_ptr<tools::MemoryBook> memories_;
  std::unique_ptr<tools::Registry> registry_;
  std::unique_ptr<agent::Toolbox> toolbox_;
};

/// What turns are made with, as the configuration says. `assistant`: null if there are no tools;
/// it and the other things outlive the turns.
agent::Parts turn_parts(const config::Config& config, store::Store& store, const TimeSource& time,
                        std::function<model::Model*(std::string_view)> find_model,
                        const Assistant* assistant);

}  // namespace hearth::app
