#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/call.h"
#include "base/result.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace hearth::store {

// What lies between columns and structs, and is the same for every aggregate.

std::optional<std::string> optional_text(const Query& row, int column);
std::optional<std::int64_t> optional_integer(const Query& row, int column);
inline std::uint32_t small(const Query& row, int column) {
  return static_cast<std::uint32_t>(row.integer(column));
}

/// For LIMIT: `count`, but `most` at most.
std::int64_t at_most(std::size_t count, std::size_t most);

/// Errors: TooLarge, with `field`, if `text` has more than `most` bytes.
Result<void> check_bytes(const char* field, std::string_view text, std::size_t most);
/// As check_bytes(); InvalidInput if it is empty or no UTF-8.
Result<void> check_text(const char* field, std::string_view text, std::size_t most);

/// As much of `text` as `most` bytes hold, whole characters only.
std::string cut_to(const std::string& text, std::size_t most);

/// NotFound: "there is no `what` "`key`"", for what does not exist or is another's.
Error nothing_called(const char* what, const std::string& key);

/// How the values of an enum are written, in their order.
template <std::size_t N>
using Names = std::array<const char*, N>;

template <class Enum, std::size_t N>
const char* name_in(const Names<N>& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

/// Errors: Corrupt (no such name; the schema lets none in).
template <class Enum, std::size_t N>
Result<Enum> value_in(const Names<N>& names, const std::string& name) {
  for (std::size_t i = 0; i < N; ++i)
    if (name == names[i]) return static_cast<Enum>(i);
  return Error{Code::Corrupt, "the store has a row that is \"" + name + "\", which nothing can be"};
}

/// Every row that is left, each read by `read`, which gives a Result. Errors: those of `read` and
/// of Query::next().
template <class Read, class Row = std::invoke_result_t<Read, const Query&>>
auto all_rows(Query& query, Read&& read)
    -> Result<std::vector<std::remove_cvref_t<decltype(std::declval<Row&>().value())>>> {
  std::vector<std::remove_cvref_t<decltype(std::declval<Row&>().value())>> all;
  TRY_VOID(query.each([&](const Query& row) -> Result<void> {
    TRY(auto one, read(row));
    all.push_back(std::move(one));
    return ok();
  }));
  return all;
}

/// What `work`, which gives a Result, reads. Errors: its own; those of Readers::read().
template <class Work>
auto reading(Store& store, const Call& call, Work&& work) -> std::invoke_result_t<Work, Database&> {
  std::invoke_result_t<Work, Database&> outcome = Error{Code::Internal, "nothing was read"};
  TRY_VOID(store.readers().read(call, [&](Database& database) -> Result<void> {
    outcome = work(database);
    return outcome.ok() ? ok() : Result<void>(outcome.error());
  }));
  return outcome;
}

/// What `work`, which gives a Result, makes, once it is committed. Errors: its own; those of
/// Writer::write().
template <class Work>
auto writing(Store& store, const Call& call, Writer::Durability durability, Work&& work)
    -> std::invoke_result_t<Work, Database&> {
  std::invoke_result_t<Work, Database&> outcome = Error{Code::Internal, "nothing was written"};
  TRY_VOID(store.writer().write(call, durability, [&](Database& database) -> Result<void> {
    outcome = work(database);
    return outcome.ok() ? ok() : Result<void>(outcome.error());
  }));
  return outcome;
}

}  // namespace hearth::store
