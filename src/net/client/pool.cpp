#include "net/client/pool.h"

#include <algorithm>

namespace hearth::net {

void Pool::put(const std::string& origin, std::shared_ptr<Link> link) {
  if (limits_.idle_max == 0 || limits_.idle_per_origin_max == 0 || !is_quiet(*link)) {
    link->on_ready(nullptr);
    return link->close();
  }
  Link* const watched = link.get();
  link->on_ready([this, watched] { look_at(watched); });
  link->watch(Io::Kind::WantsRead);
  idle_.push_back({origin, std::move(link), Clock::now() + limits_.idle_timeout});
  drop_surplus(origin);
  sweep_later();
}

std::shared_ptr<Link> Pool::take(const std::string& origin) {
  for (;;) {
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(),
                                    [&](const Idle& idle) { return idle.origin == origin; });
    if (found == idle_.rend()) return nullptr;
    const auto place = std::prev(found.base());
    if (!is_quiet(*place->link) || place->until <= Clock::now()) {
      drop(place);
      continue;
    }
    auto link = std::move(place->link);
    link->on_ready(nullptr);
    idle_.erase(place);
    return link;
  }
}

void Pool::clear() {
  while (!idle_.empty()) drop(idle_.begin());
  sweeper_.cancel();
}

/// Nothing has come, and it is not closed. TLS may have said something to itself.
bool Pool::is_quiet(Link& link) {
  std::array<char, 1> byte;
  return link.is_open() && link.read(byte).kind == Io::Kind::WantsRead;
}

void Pool::look_at(const Link* link) {
  const auto place = std::find_if(idle_.begin(), idle_.end(),
                                  [&](const Idle& idle) { return idle.link.get() == link; });
  if (place == idle_.end()) return;
  if (!is_quiet(*place->link)) return drop(place);
  place->link->watch(Io::Kind::WantsRead);
}

void Pool::drop(Place place) {
  place->link->on_ready(nullptr);
  place->link->close();
  idle_.erase(place);
}

void Pool::drop_surplus(const std::string& origin) {
  const auto is_of_origin = [&](const Idle& idle) { return idle.origin == origin; };
  const auto count =
      static_cast<std::size_t>(std::count_if(idle_.begin(), idle_.end(), is_of_origin));
  if (count > limits_.idle_per_origin_max)
    drop(std::find_if(idle_.begin(), idle_.end(), is_of_origin));
  if (idle_.size() > limits_.idle_max) drop(idle_.begin());
}

void Pool::sweep_later() {
  if (sweeping_ || idle_.empty()) return;
  sweeping_ = true;
  sweeper_.expires_at(idle_.front().until);
  sweeper_.async_wait([this](const boost::system::error_code&) {
    sweeping_ = false;
    while (!idle_.empty() && idle_.front().until <= Clock::now()) drop(idle_.begin());
    sweep_later();
  });
}

}  // namespace hearth::net
