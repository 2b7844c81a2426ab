#include "net/client.h"

namespace hearth::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void EventStreamParser::feed(std::string_view piece,
                             const std::function<void(std::string_view data)>& on_data) {
  while (!piece.empty()) {
    if (after_return_ && piece.front() == '\n') piece.remove_prefix(1);  // "\r\n" is one line end
    after_return_ = false;
    const auto end = piece.find_first_of("\r\n");
    add_to_line(piece.substr(0, end));
    if (end == std::string_view::npos) return;
    after_return_ = piece[end] == '\r';
    piece.remove_prefix(end + 1);
    end_line(on_data);
  }
}

void EventStreamParser::add_to_line(std::string_view text) {
  if (text.empty()) return;
  if (!lost_ && line_.size() + text.size() <= kLineBytesMax) {
    line_.append(text);
    return;
  }
  // What is left of the event only matters as "not an empty line"; a comment is just that.
  lose_event();
  line_ = ":";
}

void EventStreamParser::end_line(const std::function<void(std::string_view data)>& on_data) {
  std::string_view line = line_;
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) {
    if (has_data_ && !lost_) on_data(data_);
    data_.clear();
    has_data_ = false;
    lost_ = false;
  } else {
    take_field(line);
  }
  line_.clear();
}

void EventStreamParser::take_field(std::string_view line) {
  const auto colon = line.find(':');
  if (lost_ || line.substr(0, colon) != "data") return;
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (data_.size() + 1 + value.size() > kLineBytesMax) return lose_event();
  if (has_data_) data_ += '\n';
  data_.append(value);
  has_data_ = true;
}

void EventStreamParser::lose_event() {
  if (!lost_) ++lost_events_;
  lost_ = true;
  data_ = {};
}

}  // namespace hearth::net
