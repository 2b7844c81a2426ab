// What the store takes: messages accepted durably by 32 producers at once, and how a year of use
// feels. Whole process, on the disk of the folder that TMPDIR names. bench/store.py prints the
// table and compares with the targets.
#include "store/store.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/time_source.h"
#include "store/inbox.h"
#include "store/memories.h"
#include "store/sessions.h"
#include "store/transcript.h"
#include "store/turns.h"
#include "year.h"

namespace {

using namespace hearth;
using bench::entry, bench::sentence, bench::soon;
namespace fs = std::filesystem;

constexpr int kProducers = 32;

/// A folder that goes with its store.
class Place {
 public:
  Place() {
    std::string name = fs::temp_directory_path() / "hearth-bench-XXXXXX";
    folder_ = mkdtemp(name.data());
    reopen();
  }
  ~Place() {
    store_.reset();
    fs::remove_all(folder_);
  }
  void close() { store_.reset(); }
  void reopen() { store_ = store::Store::open(folder_ / "hearth.db").value(); }
  store::Store& store() { return *store_; }
  std::string new_session() {
    return store::Sessions(*store_, time_).create(soon(), "o").value().id;
  }
  const TimeSource& time() const { return time_; }
  double size_mib() const {
    return static_cast<double>(fs::file_size(folder_ / "hearth.db")) / (1 << 20);
  }

 private:
  SystemTime time_;
  fs::path folder_;
  std::unique_ptr<store::Store> store_;
};

/// The store after a year, made once.
struct Year {
  Place place;
  std::vector<std::string> sessions;

  Year() : sessions(bench::make_year(place.store(), place.time(), "o")) {}
};

Year& year() {
  static Year made;
  return made;
}

// ---- many at once -----------------------------------------------------------------------------

/// Each producer has sessions of its own and says its next message when the last is on the disk;
/// each message is begun and ended as a turn's is, but only its acceptance is counted and waited
/// for.
void accept_durably(benchmark::State& state) {
  Place place;
  store::Inbox inbox(place.store(), place.time());
  std::vector<std::string> sessions;
  constexpr int kEach = 40, kMailbox = 10;
  for (int i = 0; i < kProducers * kEach / kMailbox; ++i) sessions.push_back(place.new_session());
  std::int64_t accepted = 0;
  for ([[maybe_unused]] auto _ : state) {
    std::atomic<std::int64_t> done = 0;
    {
      std::vector<std::jthread> producers;
      for (int p = 0; p < kProducers; ++p) {
        producers.emplace_back([&, p] {
          for (int i = 0; i < kEach; ++i) {
            const auto session = static_cast<std::size_t>(p * kEach + i) / kMailbox;
            done +=
                inbox
                    .accept(soon(), {.session_id = sessions[session],
                                     .owner = "o",
                                     .message = {.content = sentence(static_cast<unsigned>(i))}})
                    .ok();
          }
        });
      }
    }
    accepted += done;
    state.PauseTiming();  // mailboxes are emptied
    for (const std::string& session : sessions) {
      const auto left = inbox.unfinished_of(soon(), session).value();
      for (const store::Inbound& waiting : left)
        HEARTH_CHECK(inbox.drop(soon(), waiting.id, "").ok(), "it waits");
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(accepted);
}
BENCHMARK(accept_durably)->UseRealTime()->Unit(benchmark::kMillisecond)->MinTime(2.0);

/// The same with messages of a transcript, each on the disk when it returns.
void append_durably(benchmark::State& state) {
  static std::unique_ptr<Place> place;
  static std::vector<std::string> sessions;
  if (state.thread_index() == 0) {
    place = std::make_unique<Place>();
    sessions.clear();
    for (int i = 0; i < kProducers; ++i) sessions.push_back(place->new_session());
  }
  unsigned number = 0;
  for ([[maybe_unused]] auto _ : state) {
    store::Transcript transcript(place->store(), place->time());
    const std::string& session = sessions[static_cast<std::size_t>(state.thread_index())];
    HEARTH_CHECK(transcript.append(soon(), session, {entry(number++)}).ok(), "the disk has room");
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) place.reset();
}
BENCHMARK(append_durably)->Threads(kProducers)->UseRealTime()->MinTime(2.0);

// ---- a year -----------------------------------------------------------------------------------

void open_after_a_year(benchmark::State& state) {
  Year& made = year();
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    made.place.close();
    state.ResumeTiming();
    made.place.reopen();
  }
  state.counters["size_mib"] = made.place.size_mib();
}
BENCHMARK(open_after_a_year)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(10);

void search(benchmark::State& state, const char* words) {
  Year& made = year();
  store::Transcript transcript(made.place.store(), made.place.time());
  std::size_t found = 0;
  for ([[maybe_unused]] auto _ : state)
    found = transcript.search(soon(), "o", words, 20).value().size();
  state.counters["found"] = static_cast<double>(found);
}
BENCHMARK_CAPTURE(search, a_rare_word, "w777")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, a_rare_and_a_common_word, "house w777")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, a_word_in_most_messages, "house")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, words_in_most_messages, "what is on my list")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// One turn: its message accepted and begun, its end committed.
void run_turn(benchmark::State& state, Place& place, const std::string& session) {
  store::Inbox inbox(place.store(), place.time());
  store::Turns turns(place.store(), place.time());
  unsigned number = 0;
  for ([[maybe_unused]] auto _ : state) {
    const store::Entry asked = entry(number++ * 2);
    const store::Offer offer{.session_id = session, .owner = "o", .message = asked.message};
    HEARTH_CHECK(inbox.accept(soon(), offer).ok(), "nobody else waits");
    const auto begun = inbox.begin(soon(), session);
    HEARTH_CHECK(begun.ok() && begun.value(), "it is the only one");
    const store::TurnEnd end{.message_id = begun.value()->id,
                             .entries = {asked, entry(number * 2 + 1)}};
    HEARTH_CHECK(turns.commit(soon(), end).ok(), "it runs");
  }
}
void turn_when_empty(benchmark::State& state) {
  Place place;
  run_turn(state, place, place.new_session());
}
void turn_after_a_year(benchmark::State& state) {
  run_turn(state, year().place, year().place.new_session());
}
BENCHMARK(turn_when_empty)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(500);
BENCHMARK(turn_after_a_year)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(500);

}  // namespace
