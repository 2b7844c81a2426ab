#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine_main.h"
#include "engine/frames.h"
#include "process/frame_channel.h"

namespace hearth::engine {

/// Everything that one generation sent.
struct Heard {
  chat::Started started;
  std::string text;
  std::vector<chat::TokenChoice> choices;
  std::size_t deltas = 0;
  std::optional<chat::Finished> finished;
  std::optional<Error> failed;
  bool ended() const { return finished || failed; }
  /// The chosen tokens and the exact bits of their probabilities.
  std::vector<std::pair<chat::Token, float>> bits() const {
    std::vector<std::pair<chat::Token, float>> all;
    for (const chat::TokenChoice& choice : choices)
      all.emplace_back(choice.chosen.token, choice.chosen.logprob);
    return all;
  }
};

/// A real engine on a thread of this process, and the daemon's end of its socket. For tests.
class EngineHarness {
 public:
  EngineHarness() {
    auto pair = process::make_socket_pair();
    EXPECT_TRUE(pair.ok());
    channel_ = std::make_unique<process::FrameChannel>(pair.value().ours);
    thread_ = std::jthread([this, fd = pair.value().theirs] { status_ = run_engine(fd); });
  }
  ~EngineHarness() { channel_->shut_down(); }

  void send(const Request& request) {
    const Encoded encoded = encode(request);
    send_frame({kProtocolVersion, encoded.type, encoded.payload});
  }
  void send_frame(const process::Frame& frame) {
    ASSERT_TRUE(channel_->send(Call::within(kPatience), frame).ok());
  }

  /// The next reply; nullopt when the engine has gone.
  std::optional<Reply> next() {
    auto frame = channel_->receive(Call::within(kPatience));
    if (!frame.ok()) return std::nullopt;
    auto reply = decode_reply(frame.value().type, frame.value().payload);
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    if (!reply.ok()) return std::nullopt;
    return std::move(reply).value();
  }

  /// The next reply of this kind. Events of generations met on the way are kept for hear().
  template <class T>
  T await() {
    while (auto reply = next()) {
      if (auto* wanted = std::get_if<T>(&*reply)) return std::move(*wanted);
      note(*reply);
    }
    ADD_FAILURE() << "the engine has gone";
    return T{};
  }

  Loaded load(LoadOptions options = {}) {
    if (options.threads == 0)
      options.threads = 1;  // tests run beside each other; llama.cpp's threads spin
    send(Load{.path = "", .options = options});
    return await<Loaded>();
  }

  /// Starts a generation; its events are collected by hear().
  std::uint64_t start(chat::Request request) {
    send(Generate{.id = ++last_id_, .request = std::move(request)});
    return last_id_;
  }
  /// Reads until `id` ends.
  const Heard& hear(std::uint64_t id) {
    while (!heard_[id].ended() && step()) {
    }
    return heard_[id];
  }
  /// Reads one event. False when the engine has gone.
  bool step() {
    auto reply = next();
    if (!reply) return false;
    note(*reply);
    return true;
  }
  const Heard& so_far(std::uint64_t id) { return heard_[id]; }
  Heard generate(chat::Request request) { return hear(start(std::move(request))); }

  StatsReply stats() {
    send(Stats{.id = ++last_id_});
    return await<StatsReply>();
  }
  /// Reads until the snapshots' numbers are so.
  SnapshotStats snapshots_until(const std::function<bool(const SnapshotStats&)>& condition) {
    while (!condition(snapshots_) && step()) {
    }
    EXPECT_TRUE(condition(snapshots_));
    return snapshots_;
  }
  /// Waits for the engine's end and returns its exit status.
  int wait() {
    while (next()) {
    }
    thread_.join();
    return status_;
  }
  void hang_up() { channel_->shut_down(); }

 private:
  static constexpr Millis kPatience{60'000};

  void note(const Reply& reply) {
    if (const auto* event = std::get_if<GenerateEvent>(&reply)) note(*event);
    if (const auto* stats = std::get_if<SnapshotStats>(&reply)) snapshots_ = *stats;
  }
  void note(const GenerateEvent& said) {
    Heard& heard = heard_[said.id];
    EXPECT_FALSE(heard.ended()) << "an event after the end";
    if (const auto* started = std::get_if<chat::Started>(&said.event)) heard.started = *started;
    if (const auto* delta = std::get_if<chat::Delta>(&said.event)) {
      heard.text += delta->content;
      heard.choices.insert(heard.choices.end(), delta->logprobs.begin(), delta->logprobs.end());
      ++heard.deltas;
    }
    if (const auto* finished = std::get_if<chat::Finished>(&said.event)) heard.finished = *finished;
    if (const auto* failed = std::get_if<chat::Failed>(&said.event)) heard.failed = failed->error;
  }

  std::unique_ptr<process::FrameChannel> channel_;
  std::map<std::uint64_t, Heard> heard_;
  SnapshotStats snapshots_{};
  std::uint64_t last_id_ = 0;
  int status_ = -1;
  std::jthread thread_;
};

/// A greedy continuation of text that goes on for exactly `tokens` tokens, with probabilities.
inline chat::Request continuation(std::string text, std::uint32_t tokens) {
  chat::Request request{.prompt = chat::PlainText{std::move(text)}};
  request.sampling.temperature = 0;
  request.tokens_max = tokens;
  request.top_logprobs = 0;
  request.ignore_eos = true;
  return request;
}

/// A text of about `words` different words.
inline std::string words(std::string_view begin, int count) {
  std::string text(begin);
  for (int i = 0; i < count; ++i) text += " word" + std::to_string(i * 7 % 100);
  return text;
}

}  // namespace hearth::engine
