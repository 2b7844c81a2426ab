#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <memory>

#include "base/check.h"

namespace hearth {

void check_failed(const char* condition, const char* why, const char* file, int line) {
  spdlog::critical("bug: {} ({}) at {}:{}", why, condition, file, line);
  std::abort();
}

namespace log {

Result<void> start(std::string_view level, std::string_view role) {
  const auto parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off")
    return Error{
        Code::InvalidInput,
        "log level '" + std::string(level) + "' is not one of debug, info, warn, error, off",
        "log.level"};
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>(std::string(role), std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-5l%$ [%n] %v", spdlog::pattern_time_type::utc);
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return ok();
}

}  // namespace log
}  // namespace hearth
