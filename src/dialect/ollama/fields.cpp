#include "dialect/ollama/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "dialect/parts/asked.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::ollama {
namespace {

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr std::array<Unit, 6> kUnits = {
    {{"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"h", 3'600}, {"m", 60}, {"s", 1}}};

/// Takes one number and its unit from the front.
std::optional<double> take_part(std::string_view& text) {
  double number = 0;
  const auto [rest, status] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (status != std::errc{} || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return number * unit.seconds;
  }
  if (text.empty()) return number;  // seconds, as newer clients send them
  return std::nullopt;
}

std::optional<double> seconds_of(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    const auto part = take_part(text);
    if (!part) return std::nullopt;
    sum += *part;
  }
  return is_negative ? -sum : sum;
}

/// One number of the options, into its place.
struct Number {
  const char* name;
  float chat::Sampling::*place;
  Fields::Range range;
};
constexpr std::array<Number, 6> kNumbers = {{
    {"temperature", &chat::Sampling::temperature, {0, 2}},
    {"min_p", &chat::Sampling::min_p, {0, 1}},
    {"typical_p", &chat::Sampling::typical_p, {kSmallestShare, 1}},
    {"repeat_penalty", &chat::Sampling::repeat_penalty, {kSmallestShare, 2}},
    {"presence_penalty", &chat::Sampling::presence_penalty, {-2, 2}},
    {"frequency_penalty", &chat::Sampling::frequency_penalty, {-2, 2}},
}};

Result<void> read_limits(const Fields& options, chat::Request& request) {
  // Up to 0 there is no limit there but the context's.
  TRY(const auto tokens, options.whole_or("num_predict", -1, {-2, kTokensMax}));
  if (tokens > 0) request.tokens_max = static_cast<std::uint32_t>(tokens);
  TRY(request.stop, read_stops(options, "stop"));
  TRY(const auto seed, options.whole("seed", {-1, 4'294'967'294}));
  // There 0 is a seed as others are, and a negative one is random.
  if (seed && *seed >= 0) request.sampling.seed = static_cast<std::uint32_t>(*seed);
  return ok();
}

}  // namespace

Result<std::optional<std::int64_t>> read_keep_alive(const Fields& fields) {
  const Json* value = fields.find("keep_alive");
  if (!value) return std::optional<std::int64_t>();
  std::optional<double> seconds;
  if (value->is_number()) seconds = value->get<double>();
  if (value->is_string()) seconds = seconds_of(value->get_ref<const std::string&>());
  const bool fits = seconds && std::abs(*seconds) <= static_cast<double>(kKeepAliveMaxSeconds);
  if (!fits)
    return fields.wrong("keep_alive",
                        "seconds, or a duration such as 5m, of at most ten years is required");
  if (*seconds < 0) return std::optional<std::int64_t>(-1);
  return std::optional<std::int64_t>(static_cast<std::int64_t>(*seconds));
}

Result<void> read_options(const Fields& fields, chat::Request& request, Lost& lost) {
  const Json* value = fields.find("options");
  if (!value) return ok();
  TRY(const Fields options, Fields::of(*value, "options"));
  chat::Sampling& sampling = request.sampling;
  for (const Number& number : kNumbers) {
    TRY(const double got, options.number_or(number.name, sampling.*number.place, number.range));
    sampling.*number.place = static_cast<float>(got);
  }
  TRY(sampling.top_p, read_top_p(options));
  TRY(const auto top_k, options.whole_or("top_k", 0, {-1, kTokensMax}));
  sampling.top_k = static_cast<std::int32_t>(std::max<std::int64_t>(top_k, 0));
  constexpr std::int64_t kRepeatLastMax = 65'536;
  TRY(const auto last,
      options.whole_or("repeat_last_n", sampling.repeat_last_n, {-1, kRepeatLastMax}));
  sampling.repeat_last_n = static_cast<std::int32_t>(last);
  TRY_VOID(read_limits(options, request));
  lose_unknown(
      *value, "options",
      {"temperature", "min_p", "typical_p", "repeat_penalty", "presence_penalty",
       "frequency_penalty", "top_p", "top_k", "repeat_last_n", "num_predict", "stop", "seed"},
      lost);
  return ok();
}

Result<chat::OutputFormat> read_format(const Fields& fields) {
  const Json* format = fields.find("format");
  if (!format || *format == "") return chat::OutputFormat{};
  if (*format == "json") return chat::OutputFormat{chat::OutputFormat::Kind::JsonObject};
  if (!format->is_object()) return fields.wrong("format", "must be json or a JSON Schema");
  return read_schema_format(*format, "format");
}

Result<chat::Image> read_image(const Json& value, const std::string& path) {
  struct Type {
    std::string_view begin;  // in base64
    const char* name;
  };
  constexpr std::array<Type, 4> kTypes = {{{"iVBORw0KGgo", "image/png"},
                                           {"/9j/", "image/jpeg"},
                                           {"R0lGOD", "image/gif"},
                                           {"UklGR", "image/webp"}}};
  if (!value.is_string()) return field_error(path, "base64 is required");
  chat::Image image{.data = value.get<std::string>()};
  for (const Type& type : kTypes)
    if (image.data.starts_with(type.begin)) image.media_type = type.name;
  if (image.media_type.empty())
    return field_error(path, "base64 of a PNG, JPEG, GIF or WebP is required");
  TRY_VOID(chat::check_image(image, path));
  return image;
}

}  // namespace hearth::dialect::ollama
