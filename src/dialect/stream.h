#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/exchange.h"

/// Answers that come in pieces.
namespace hearth::dialect {

inline constexpr std::size_t kStreamDataBytesMax = 16 * 1024 * 1024;  // of one event

/// Reads what a provider streams, event by event, as the events of a generation: Started, Delta…,
/// then one Finished or Failed. Not copied; one thread at a time.
class StreamReader {
 public:
  StreamReader() = default;
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;
  virtual ~StreamReader() = default;

  /// `data` of one event, whole. What the dialect does not know is passed over; what is no JSON or
  /// beyond a bound ends the answer with Failed (Unavailable). After the last event nothing comes.
  std::vector<chat::Event> take(std::string_view data);
  /// The connection ended. Failed (Unavailable) unless the answer was whole.
  std::vector<chat::Event> end();

  /// As the provider says them; empty until it did.
  const std::string& id() const { return id_; }
  const std::string& model() const { return model_; }
  const Lost& lost() const { return lost_; }

 protected:
  /// One event that is JSON.
  virtual void read(const Json& event) = 0;
  /// One that may be none, such as "[DONE]"; true if that is all there is to it.
  virtual bool read_text(std::string_view) { return false; }
  /// Whether all was said when the connection ended.
  virtual bool is_whole() const { return false; }

  void start();  // says Started with usage_ as it is, once
  void say(chat::Delta delta);
  void say_text(std::string text);
  void say_reasoning(std::string text);
  /// The next call, and how chat::ToolCallDelta numbers it. False: there are too many.
  bool begin_call(std::string id, std::string name);
  std::uint32_t calls() const { return calls_; }
  void say_arguments(std::uint32_t call, std::string arguments);
  /// Says Finished with what is below.
  void finish();
  void fail(Error error);
  bool is_over() const { return is_over_; }

  std::string id_{}, model_{};
  Lost lost_{};
  chat::Usage usage_{};
  chat::Finished finished_{};

 private:
  std::vector<chat::Event> events_{};
  bool is_started_ = false, is_over_ = false;
  std::uint32_t calls_ = 0;
};

/// One event as it is sent.
struct Frame {
  std::string event{};  // its name; empty: none
  Json data{};
};

/// "event: NAME\ndata: {…}\n\n", as Server-Sent Events are.
std::string event_text(const Frame& frame);
/// "{…}\n", as lines of JSON are.
std::string line_text(const Frame& frame);

/// Writes the events of a generation as a dialect streams them. One for each answer; one thread at
/// a time. After Finished or Failed nothing is written.
class StreamWriter {
 public:
  StreamWriter() = default;
  StreamWriter(const StreamWriter&) = delete;
  StreamWriter& operator=(const StreamWriter&) = delete;
  virtual ~StreamWriter() = default;

  std::vector<Frame> write(const chat::Event& event);
  const Lost& lost() const { return lost_; }

 protected:
  virtual void start(const chat::Started& started) = 0;  // once, before all else
  virtual void text(const std::string& piece) = 0;
  virtual void reasoning(const std::string& piece) = 0;
  /// A call of which pieces may follow; calls come one after the other, each whole before the next.
  virtual void call(const chat::ToolCallDelta& piece, bool is_new) = 0;
  virtual void finish(const chat::Finished& finished) = 0;
  virtual void fail(const Error& error) = 0;

  void put(std::string event, Json data);
  Lost lost_{};

 private:
  void take(const chat::Delta& delta);
  void take_call(const chat::ToolCallDelta& piece);
  void end_calls();

  std::vector<Frame> frames_{};
  bool is_started_ = false, is_over_ = false;
  std::optional<std::uint32_t> open_call_{};
  /// Pieces of calls that came while another was open. A dialect tells calls apart by their order,
  /// so they wait until that is whole, which the next text or the end says.
  std::map<std::uint32_t, chat::ToolCallDelta> waiting_{};
};

}  // namespace hearth::dialect
