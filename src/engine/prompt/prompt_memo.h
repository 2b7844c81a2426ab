#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "chat.h"
#include "chat/generation.h"
#include "engine/runtime/recent.h"
#include "engine/schema/stand_ins.h"

namespace hearth::engine {

/// What making a prompt finds out again for each turn of a talk although nothing of it depends on
/// the talk: that the tools' schemas are sound and what grammars they make, that a grammar is
/// sound, how a parser is read. Kept under the texts that it follows from, the last used of them;
/// errors are not kept. Any number of threads.
class PromptMemo {
 public:
  static constexpr std::size_t kEntriesMax = 8;            // of each kind
  static constexpr std::size_t kKeyBytesMax = 256 * 1024;  // longer: not kept

  /// The schemas of tools that have passed check_tools(), made into grammars.
  /// Errors: those of check_tools() and StandIns::add(), with the field.
  Result<std::shared_ptr<const StandIns>> stand_ins(const std::vector<chat::Tool>& tools);

  /// Does `check`, unless that succeeded for this text before.
  Result<void> once(const std::string& text, const std::function<Result<void>()>& check);

  /// What common_chat_params::parser describes. May throw.
  std::shared_ptr<const common_peg_arena> parser(const std::string& saved);

 private:
  template <class Value, class Make>
  Result<Value> find(Recent<Value> PromptMemo::*list, const std::string& key, Make&& make)
      EXCLUDES(mutex_);

  Mutex mutex_{};
  Recent<std::shared_ptr<const StandIns>> tools_ GUARDED_BY(mutex_){kEntriesMax};
  Recent<bool> sound_ GUARDED_BY(mutex_){kEntriesMax};
  Recent<std::shared_ptr<const common_peg_arena>> parsers_ GUARDED_BY(mutex_){kEntriesMax};
};

}  // namespace hearth::engine
