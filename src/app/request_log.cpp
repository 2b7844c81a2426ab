#include "app/request_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "api/sessions/owner.h"
#include "base/random.h"
#include "chat/message_json.h"
#include "vault/secret.h"

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashDigits = 16;
constexpr std::string_view kSuffix = ".jsonl";

Error system_error(const std::string& what) {
  return {Code::Unavailable, what + ": " + std::strerror(errno)};
}

/// Everything, or an error.
Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("cannot write " + path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ok();
}

Result<std::string> read_or_create_salt(const std::string& path) {
  std::array<std::uint8_t, kSaltBytes> bytes{};
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_there = fd >= 0 && ::read(fd, bytes.data(), bytes.size()) == ssize_t{kSaltBytes};
  if (fd >= 0) ::close(fd);
  if (is_there) return to_hex(bytes);
  fill_random(bytes);
  fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("cannot create " + path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto written = write_all(fd, text, path);
  ::close(fd);
  if (!written.ok()) return written.error();
  return to_hex(bytes);
}

std::string time_text(std::chrono::system_clock::time_point when, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

std::string day_of(std::chrono::system_clock::time_point when) {
  return time_text(when, "%Y-%m-%d");
}

/// Names sort as days do.
void remove_before(const std::string& folder, const std::string& day) {
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    const std::string name = entry.path().filename();
    if (name.size() != day.size() + kSuffix.size() || !name.ends_with(kSuffix)) continue;
    std::error_code ignored;
    if (name.substr(0, day.size()) < day) fs::remove(entry.path(), ignored);
  }
}

/// Why another than the first answered, or why none of this machine did.
Json forward_reason(const model::Metering& metering) {
  if (!metering.route || metering.provider == "local") return nullptr;
  if (!metering.route->passed_over.empty()) return "others could not answer";
  return metering.route->level + " was needed";
}

}  // namespace

Result<std::unique_ptr<RequestLog>> RequestLog::open(std::string folder, std::uint32_t days_max,
                                                     const TimeSource& time) {
  std::error_code problem;
  if (fs::create_directories(folder, problem)) ::chmod(folder.c_str(), 0700);
  if (problem)
    return Error{Code::Unavailable, "cannot create " + folder + ": " + problem.message()};
  TRY(auto salt, read_or_create_salt(folder + "/salt"));
  return std::unique_ptr<RequestLog>(
      new RequestLog(std::move(folder), std::move(salt), days_max, time));
}

RequestLog::RequestLog(std::string folder, std::string salt, std::uint32_t days_max,
                       const TimeSource& time)
    : folder_(std::move(folder)), salt_(std::move(salt)), days_max_(days_max), time_(time) {}

RequestLog::~RequestLog() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> RequestLog::turn_to(const std::string& day) {
  if (fd_ >= 0 && day == day_) return ok();
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  const std::string path = folder_ + "/" + day + std::string(kSuffix);
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd_ < 0) return system_error("cannot open " + path);
  day_ = day;
  remove_before(folder_, day_of(time_.wall() - std::chrono::hours(24) * (days_max_ - 1)));
  return ok();
}

std::string RequestLog::hashed(const std::string& id) const {
  return id.empty() ? "" : vault::sha256_hex(salt_ + id).substr(0, kHashDigits);
}

std::string RequestLog::line_of(const model::Metering& metering,
                                const std::string& timestamp) const {
  const chat::Usage& usage = metering.usage;
  const bool is_local = metering.provider == "local";
  Json line = {{"timestamp", timestamp},
               {"session_id", hashed(metering.session)},
               {"owner", hashed(api::owner_of(metering.account))},
               {"purpose", chat::purpose_name(metering.purpose)},
               {"routing_decision", is_local ? "local" : "provider"},
               {"provider", metering.provider},
               {"model", metering.model}};
  if (metering.route) {
    line["asked"] = metering.route->asked;
    line["level"] = metering.route->level;
  }
  line["outcome"] =
      metering.failed ? code_name(*metering.failed) : chat::finish_reason_name(metering.reason);
  line["response_time_ms"] = metering.took.count();
  line["prompt_tokens"] = usage.prompt_tokens;
  line["cached_tokens"] = usage.cached_tokens;
  line["tokens_generated"] = usage.completion_tokens;
  line["tool_uses"] = metering.tool_calls;
  line["cost_microdollars"] = metering.cost_micro;
  line["forward_reason"] = forward_reason(metering);
  return chat::json_text(line) + "\n";
}

Result<void> RequestLog::add(const model::Metering& metering) {
  const auto now = time_.wall();
  TRY_VOID(turn_to(day_of(now)));
  return write_all(fd_, line_of(metering, time_text(now, "%Y-%m-%dT%H:%M:%SZ")),
                   folder_ + "/" + day_ + std::string(kSuffix));
}

}  // namespace hearth::app
