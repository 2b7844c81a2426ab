#include <map>
#include <optional>

#include "dialect/openai.h"
#include "dialect/openai/answer.h"
#include "dialect/parts/lenient.h"

namespace hearth::dialect::openai {
namespace {

class ChunkReader final : public StreamReader {
 public:
  explicit ChunkReader(std::string id_base) : id_base_(std::move(id_base)) {}

 private:
  bool read_text(std::string_view data) override;
  void read(const Json& chunk) override;
  bool is_whole() const override { return has_reason_; }
  void take_delta(const Json& delta);
  void take_call(const Json& piece);
  std::optional<std::uint32_t> call_of(const Json& piece);

  const std::string id_base_;
  struct OpenCall {
    std::uint32_t number = 0;
    std::string id{};  // as the provider said it
  };
  std::map<std::uint32_t, OpenCall> open_calls_{};  // by the provider's index
  bool has_reason_ = false;
};

bool ChunkReader::read_text(std::string_view data) {
  if (data != "[DONE]") return false;
  finish();
  return true;
}

void ChunkReader::read(const Json& chunk) {
  if (!error_in(chunk).is_null()) return fail(error_of(0, error_in(chunk)));
  if (id_.empty()) id_ = text_at(chunk, "id");
  if (model_.empty()) model_ = text_at(chunk, "model");
  take_usage(chunk, usage_);
  if (at(chunk, "choices").size() > 1) lost_.add("choices", "only the first is kept");
  const Json& choice = first_of(at(chunk, "choices"));
  if (!choice.is_object() || count_at(choice, "index") > 0) return;
  start();
  take_delta(at(choice, "delta"));
  const std::string reason = text_at(choice, "finish_reason");
  if (reason.empty()) return;
  if (reason == "error") return fail({Code::Unavailable, "the provider broke its answer off", {}});
  has_reason_ = true;
  take_finish_reason(reason, finished_, lost_);
}

void ChunkReader::take_delta(const Json& delta) {
  say_reasoning(reasoning_of(delta));
  say_text(text_at(delta, "content"));
  const std::string refusal = text_at(delta, "refusal");
  if (!refusal.empty() && !is_declined(finished_)) finished_.notes.emplace_back(kDeclinedNote);
  say_text(refusal);
  lose_extras(delta, lost_);
  const Json& calls = at(delta, "tool_calls");
  if (!calls.is_array()) return;
  for (const Json& piece : calls) {
    if (is_over()) return;
    take_call(piece);
  }
}

void ChunkReader::take_call(const Json& piece) {
  const auto call = call_of(piece);
  if (call) say_arguments(*call, arguments_text(at(piece, "function")));
}

/// Which call a piece belongs to. Its id and name count where they come first: some servers repeat
/// them. Another id with a name is another call, since some give all calls one index, or none.
std::optional<std::uint32_t> ChunkReader::call_of(const Json& piece) {
  std::string id = text_at(piece, "id"), name = text_at(at(piece, "function"), "name");
  const std::uint32_t index = count_at(piece, "index");
  const auto known = open_calls_.find(index);
  const bool is_known = known != open_calls_.end();
  const bool is_other = is_known && !id.empty() && !name.empty() && known->second.id != id;
  if (is_known && !is_other) return known->second.number;
  const std::uint32_t number = calls();
  open_calls_[index] = {number, id};
  if (id.empty()) id = id_base_ + "_" + std::to_string(number);
  if (!begin_call(std::move(id), std::move(name))) return std::nullopt;
  return number;
}

}  // namespace

std::unique_ptr<StreamReader> make_stream_reader(std::string id_base) {
  return std::make_unique<ChunkReader>(std::move(id_base));
}

}  // namespace hearth::dialect::openai
