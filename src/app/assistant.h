#pragma once
#include <memory>

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

}  // namespace hearth::app
