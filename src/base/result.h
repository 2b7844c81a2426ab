#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace hearth {

/// What the caller can do about a failure. One list for the whole program;
/// api/ owns the single table that maps it to HTTP and gRPC status.
enum class Code : std::uint8_t {
  InvalidInput,  // fix the request; do not retry
  NotFound,      // the named thing does not exist
  Denied,        // policy said no
  TooLarge,      // a documented limit was exceeded
  Busy,          // full right now; retry later
  Timeout,       // the deadline passed
  Cancelled,     // someone asked us to stop
  Unavailable,   // a dependency is down; retry later
  Corrupt,       // stored data failed a check
  Internal,      // our bug
};
inline constexpr int kCodeCount = 10;

/// The code's name as written above, for logs and tests.
constexpr const char* code_name(Code code) {
  switch (code) {
    case Code::InvalidInput: return "InvalidInput";
    case Code::NotFound: return "NotFound";
    case Code::Denied: return "Denied";
    case Code::TooLarge: return "TooLarge";
    case Code::Busy: return "Busy";
    case Code::Timeout: return "Timeout";
    case Code::Cancelled: return "Cancelled";
    case Code::Unavailable: return "Unavailable";
    case Code::Corrupt: return "Corrupt";
    case Code::Internal: return "Internal";
  }
  return "Internal";
}

/// Why something failed.
struct [[nodiscard]] Error {
  Code code = Code::Internal;
  std::string message;  // one sentence for a person; never holds a secret
  std::string field{};  // the request or config field at fault ("messages[0].role"); empty if none
};

/// A T, or the Error that explains why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}
  bool ok() const { return !failed_; }
  void value() const {}
  Error& error() & { return error_; }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  bool failed_ = false;
  Error error_{};
};

inline Result<void> ok() { return {}; }

}  // namespace hearth

#define HEARTH_CAT2_(a, b) a##b
#define HEARTH_CAT_(a, b) HEARTH_CAT2_(a, b)
#define HEARTH_TRY_(tmp, ret, decl, expr)    \
  auto tmp = (expr);                         \
  if (!tmp.ok()) ret std::move(tmp).error(); \
  decl = std::move(tmp).value()
#define HEARTH_TRY_VOID_(tmp, ret, expr)       \
  do {                                         \
    auto tmp = (expr);                         \
    if (!tmp.ok()) ret std::move(tmp).error(); \
  } while (false)

/// TRY(auto x, f()): x is f()'s value, or this function returns f()'s error.
#define TRY(decl, expr) HEARTH_TRY_(HEARTH_CAT_(try_, __COUNTER__), return, decl, expr)
#define TRY_VOID(expr) HEARTH_TRY_VOID_(HEARTH_CAT_(try_, __COUNTER__), return, expr)
/// The same inside a coroutine.
#define CO_TRY(decl, expr) HEARTH_TRY_(HEARTH_CAT_(try_, __COUNTER__), co_return, decl, expr)
