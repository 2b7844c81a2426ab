#include "cli/sessions/directory.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/utf8.h"
#include "cli/ask/answer_fields.h"
#include "net/percent.h"

namespace hearth::cli {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kListPage = 1'000, kMessagePage = 100;  // of one request
constexpr std::size_t kPagesMax = 100'000;                    // of one walk, whatever is told
constexpr std::uint64_t kCounterEnd =
    1'000;  // what a name ends in from here on is a year or the like
constexpr const char* kSessions = "/v1/sessions";

std::string target_of(const std::string& key, const char* behind = "") {
  return std::string(kSessions) + "/" + net::percent_encoded(key) + behind;
}

std::int64_t number_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

Error strange(const char* what) {
  return {Code::Unavailable, std::string("the daemon's ") + what + " cannot be understood"};
}

Result<SessionFacts> facts_of(json session) {
  if (!session.is_object() || text_in(session, "id").empty()) return strange("session");
  SessionFacts facts{.id = text_in(session, "id"),
                     .name = text_in(session, "name"),
                     .state = text_in(session, "state"),
                     .created_s = number_in(session, "created_at"),
                     .used_s = number_in(session, "used_at"),
                     .messages = number_in(session, "messages")};
  facts.json = std::move(session);
  return facts;
}

/// A page's items.
Result<std::vector<json>> items_of(const json& page) {
  const auto data = page.is_object() ? page.find("data") : page.end();
  if (data == page.end() || !data->is_array()) return strange("list");
  return std::vector<json>(data->begin(), data->end());
}

bool has_more(const json& page) {
  const auto more = page.find("has_more");
  return more != page.end() && more->is_boolean() && more->get<bool>();
}

}  // namespace

Result<std::optional<SessionFacts>> Directory::find(const Call& call,
                                                    const std::string& key) const {
  if (key.empty())
    return Error{Code::InvalidInput, "a session's name must not be empty", "session"};
  // No path can hold a slash within one of its segments, not even an escaped one.
  if (key.find('/') != std::string::npos) {
    TRY(auto all, list(call));
    const auto found = std::ranges::find(all, key, &SessionFacts::name);
    if (found == all.end()) return std::optional<SessionFacts>();
    return std::optional(std::move(*found));
  }
  auto found = client_.send(call, "GET", target_of(key));
  if (!found.ok() && found.error().code == Code::NotFound) return std::optional<SessionFacts>();
  TRY(json session, std::move(found));
  TRY(SessionFacts facts, facts_of(std::move(session)));
  return std::optional(std::move(facts));
}

Result<SessionFacts> Directory::require(const Call& call, const std::string& key) const {
  TRY(auto found, find(call, key));
  if (!found)
    return Error{Code::NotFound,
                 "there is no session '" + key + "'; `hearth sessions list` names them all"};
  return std::move(*found);
}

Result<std::vector<SessionFacts>> Directory::list(const Call& call) const {
  std::vector<SessionFacts> all;
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    TRY(const json got,
        client_.send(call, "GET",
                     std::string(kSessions) + "?limit=" + std::to_string(kListPage) +
                         "&skip=" + std::to_string(all.size())));
    TRY(auto items, items_of(got));
    for (json& item : items) {
      TRY(SessionFacts facts, facts_of(std::move(item)));
      all.push_back(std::move(facts));
    }
    if (items.empty() || !has_more(got)) break;
  }
  return all;
}

Result<std::optional<SessionFacts>> Directory::latest(const Call& call) const {
  TRY(const json page, client_.send(call, "GET", std::string(kSessions) + "?limit=1"));
  TRY(auto items, items_of(page));
  if (items.empty()) return std::optional<SessionFacts>();
  TRY(SessionFacts facts, facts_of(std::move(items.front())));
  return std::optional(std::move(facts));
}

std::pair<std::string, std::uint64_t> name_and_number(const std::string& name) {
  const auto dash = name.rfind('-');
  std::uint64_t number = 1;
  if (dash == std::string::npos || dash == 0) return {name, number};
  const char* const first = name.data() + dash + 1;
  const auto [end, error] = std::from_chars(first, name.data() + name.size(), number);
  // A date's last part, or a year, is no counter.
  const bool counts = error == std::errc() && end == name.data() + name.size() && *first != '0' &&
                      number < kCounterEnd;
  if (!counts) return {name, 1};
  return {name.substr(0, dash), number};
}

Result<std::string> Directory::free_name(const Call& call, const std::string& base) const {
  auto [stem, number] = name_and_number(base);
  stem.resize(utf8_complete_bytes(stem.substr(0, kNameBytesMax)));
  TRY(const auto all, list(call));
  std::set<std::string> taken;
  for (const SessionFacts& session : all) taken.insert(session.name);
  const std::uint64_t end = number + kNumbersMax;
  for (; number < end; ++number) {
    std::string name = number == 1 ? stem : stem + "-" + std::to_string(number);
    if (!taken.contains(name)) return name;
  }
  return Error{Code::Busy, "every name from '" + stem + "' on is taken; choose another"};
}

/// A page whose messages are too long for one answer is asked for again with half as many.
Result<json> Directory::read_page(const Call& call, const std::string& id, std::uint64_t from,
                                  std::size_t& limit) const {
  for (;; limit /= 2) {
    auto page = client_.send(call, "GET",
                             target_of(id, "/messages?from=") + std::to_string(from) +
                                 "&limit=" + std::to_string(limit));
    if (page.ok() || page.error().code != Code::TooLarge || limit == 1) return page;
  }
}

Result<void> Directory::each_message(const Call& call, const std::string& id,
                                     const OnMessage& on_message) const {
  std::uint64_t from = 0;
  std::size_t limit = kMessagePage;
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    TRY(const json got, read_page(call, id, from, limit));
    TRY(const auto items, items_of(got));
    for (const json& item : items) {
      if (!item.is_object()) return strange("message");
      on_message(item);
    }
    if (items.empty() || !has_more(got)) return ok();
    from += items.size();
  }
  return strange("list of messages, which has no end,");
}

Result<std::vector<json>> Directory::last_messages(const Call& call, const std::string& id,
                                                   std::size_t count) const {
  TRY(const json page,
      client_.send(call, "GET", target_of(id, "/messages?last=") + std::to_string(count)));
  TRY(auto items, items_of(page));
  if (!std::ranges::all_of(items, [](const json& item) { return item.is_object(); }))
    return strange("message");
  return items;
}

Result<json> Directory::context(const Call& call, const std::string& id) const {
  TRY(json view, client_.send(call, "GET", target_of(id, "/context")));
  for (const char* zone : {"static", "history", "tail"})
    if (!view.is_object() || !view.contains(zone) || !view[zone].is_object())
      return strange("context");
  if (!view["static"].contains("tools") || !view["history"].contains("summary"))
    return strange("context");
  return view;
}

Result<void> Directory::remove(const Call& call, const std::string& id) const {
  TRY(const json done, client_.send(call, "DELETE", target_of(id)));
  return ok();
}

Result<void> Directory::cancel(const Call& call, const std::string& id,
                               const std::string& key) const {
  TRY(const json done,
      client_.send(call, "POST", target_of(id, "/cancel"), json{{"key", key}}.dump()));
  return ok();
}

Result<void> Directory::cancel(const Call& call, const std::string& id, std::uint32_t turn) const {
  TRY(const json done,
      client_.send(call, "POST", target_of(id, "/cancel"), json{{"turn", turn}}.dump()));
  return ok();
}

Result<std::vector<Approval>> Directory::approvals(const Call& call, const std::string& id) const {
  TRY(const json page, client_.send(call, "GET", "/v1/approvals"));
  if (!page.is_object() || !page.contains("data")) return strange("list");
  auto all = approvals_in(page["data"]);
  if (!id.empty())
    std::erase_if(all, [&id](const Approval& approval) { return approval.session_id != id; });
  return all;
}

Result<json> Directory::search(const Call& call, const std::string& words,
                               std::size_t limit) const {
  TRY(json page, client_.send(call, "GET",
                              "/v1/search?q=" + net::percent_encoded(words) +
                                  "&limit=" + std::to_string(limit)));
  TRY(const auto items, items_of(page));
  if (!std::ranges::all_of(items, [](const json& item) { return item.is_object(); }))
    return strange("search");
  return page;
}

}  // namespace hearth::cli
