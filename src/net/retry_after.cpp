#include "net/retry_after.h"

#include <charconv>
#include <ctime>

namespace hearth::net {
namespace {

std::string_view value_of(const Response& response, std::string_view name) {
  const std::string* const value = response.header(name);
  return value ? std::string_view(*value) : std::string_view();
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() ||
      !(number >= 0))
    return std::nullopt;
  return number;
}

/// "Fri, 28 Nov 2025 10:00:00 GMT"
std::optional<double> ms_until(const std::string& date, std::chrono::system_clock::time_point now) {
  std::tm parts{};
  const char* const end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!end || *end != '\0') return std::nullopt;
  const auto when = std::chrono::system_clock::from_time_t(::timegm(&parts));
  return std::chrono::duration<double, std::milli>(when - now).count();
}

}  // namespace

std::optional<Millis> retry_after(const Response& response,
                                  std::chrono::system_clock::time_point now) {
  auto ms = number_of(value_of(response, "retry-after-ms"));
  const std::string_view text = value_of(response, "Retry-After");
  if (!ms) {
    const auto seconds = number_of(text);
    ms = seconds ? std::optional(*seconds * 1'000) : ms_until(std::string(text), now);
  }
  if (!ms || *ms > static_cast<double>(kRetryAfterMax.count())) return std::nullopt;
  return Millis(static_cast<Millis::rep>(*ms < 0 ? 0 : *ms));
}

}  // namespace hearth::net
