#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time_source.h"
#include "model/metered.h"

namespace hearth::app {

/// One line of JSON for each question to a model, in a file for each day (UTC) of
/// `<folder>/YYYY-MM-DD.jsonl`, mode 0600. No text is in it, and sessions and owners only as hashes
/// with a salt that is this installation's own (`<folder>/salt`). One thread at a time; the clock
/// outlives it.
class RequestLog {
 public:
  /// Errors: Unavailable (the folder or its salt cannot be made).
  static Result<std::unique_ptr<RequestLog>> open(std::string folder, std::uint32_t days_max,
                                                  const TimeSource& time);
  ~RequestLog();
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  /// Appends a line; removes files that are too old when a day begins. Errors: Unavailable.
  Result<void> add(const model::Metering& metering);

 private:
  RequestLog(std::string folder, std::string salt, std::uint32_t days_max, const TimeSource& time);
  Result<void> turn_to(const std::string& day);
  std::string hashed(const std::string& id) const;
  std::string line_of(const model::Metering& metering, const std::string& timestamp) const;

  const std::string folder_, salt_;
  const std::uint32_t days_max_;
  const TimeSource& time_;
  std::string day_{};  // of the file that is open
  int fd_ = -1;
};

}  // namespace hearth::app
