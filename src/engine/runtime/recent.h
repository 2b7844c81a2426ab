#pragma once
#include <algorithm>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>

namespace hearth::engine {

/// Puts a text behind others in a key. Its length keeps it from running into the next.
inline void add_part(std::string& key, std::string_view text) {
  key += std::to_string(text.size()) + ":";
  key += text;
}

/// Values under texts, the last used first; beyond `max` the longest unused goes. For few and long
/// texts: it compares them one after the other. One thread at a time.
template <class Value>
class Recent {
 public:
  explicit Recent(std::size_t max) : max_(max) {}

  /// Null: it is not there. Good until the next keep().
  Value* find(std::string_view key) {
    const auto found =
        std::ranges::find_if(items_, [key](const Item& item) { return item.key == key; });
    if (found == items_.end()) return nullptr;
    items_.splice(items_.begin(), items_, found);
    return &items_.front().value;
  }

  /// `key` is not there yet.
  void keep(std::string key, Value value) {
    items_.push_front({std::move(key), std::move(value)});
    if (items_.size() > max_) items_.pop_back();
  }

  std::size_t size() const { return items_.size(); }

 private:
  struct Item {
    std::string key;
    Value value;
  };
  const std::size_t max_;
  std::list<Item> items_{};
};

}  // namespace hearth::engine
