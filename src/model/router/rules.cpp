#include "model/router/rules.h"

#include <algorithm>
#include <span>

#include "model/router/words.h"

namespace hearth::model::router {
namespace {

constexpr std::size_t kLookedAtBytesMax = 16 * 1024;  // of the text; more of it says nothing new

/// What rules look at.
struct Traits {
  explicit Traits(const chat::Request& request);

  std::string_view text{};
  Words words{""};
  std::size_t sentences = 0, questions = 0, items = 0, code_lines = 0;
  bool fenced = false;  // ``` or ~~~
  bool table = false;
  std::size_t history_bytes = 0, tools = 0;
  bool constrained = false;

 private:
  void look_at_lines();
  void look_at_marks();
};

std::string_view without_indent(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t");
  return at == std::string_view::npos ? std::string_view() : line.substr(at);
}

/// "- x", "* x", "3. x", "2) x"
bool is_item(std::string_view line) {
  const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  if (digits == 0) return line.starts_with("- ") || line.starts_with("* ");
  return digits <= 3 &&
         (line.substr(digits).starts_with(". ") || line.substr(digits).starts_with(") "));
}

/// Ends as lines of programs do and those of letters do not, or is an indented member of one.
bool is_code(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r");
  if (last == std::string_view::npos) return false;
  const std::string_view end = line.substr(0, last + 1);
  const bool ends_so = end.ends_with("{") || end.ends_with("};") || end.ends_with(");") ||
                       end.ends_with("):") || end.ends_with("=>") || end == "}";
  return ends_so || end.find("==") != std::string_view::npos ||
         end.find("!=") != std::string_view::npos || end.find("->") != std::string_view::npos ||
         end.find("::") != std::string_view::npos;
}

Traits::Traits(const chat::Request& request) {
  text = last_said(request);
  if (const auto* conversation = std::get_if<chat::Conversation>(&request.prompt)) {
    for (const chat::Message& message : conversation->messages)
      history_bytes += message.content.size();
    history_bytes -= std::min(history_bytes, text.size());
    tools = conversation->tool_choice.mode == chat::ToolChoice::Mode::None
                ? 0
                : conversation->tools.size();
  }
  constrained = request.format.kind != chat::OutputFormat::Kind::Text;
  text = text.substr(0, kLookedAtBytesMax);
  words = Words(text);
  look_at_lines();
  look_at_marks();
}

void Traits::look_at_lines() {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = without_indent(text.substr(begin, end - begin));
    fenced = fenced || line.starts_with("```") || line.starts_with("~~~");
    table = table || (line.starts_with("|") && line.find('|', 1) != std::string_view::npos);
    items += is_item(line) ? 1 : 0;
    code_lines += is_code(line) ? 1 : 0;
    begin = end + 1;
  }
}

/// Marks of some scripts count as ours do.
void Traits::look_at_marks() {
  bool inside = false;  // behind the first letter of a sentence
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    const bool asks = rest[0] == '?' || rest.starts_with("？") || rest.starts_with("؟");
    const bool ends = asks || rest.starts_with("。") || rest.starts_with("！") ||
                      rest.starts_with("।") ||
                      ((rest[0] == '.' || rest[0] == '!') &&
                       (rest.size() == 1 || rest[1] == ' ' || rest[1] == '\n'));
    questions += asks ? 1 : 0;
    if (ends && inside) ++sentences;
    inside = ends ? false : inside || static_cast<unsigned char>(rest[0]) > ' ';
  }
  if (inside) ++sentences;
}

bool any_of(const Traits& traits, const std::vector<Words>& phrases) {
  return std::ranges::any_of(phrases, [&](const Words& one) { return traits.words.contain(one); });
}

bool is_one_of(const Traits& traits, const std::vector<Words>& phrases) {
  return std::ranges::any_of(phrases,
                             [&](const Words& one) { return traits.words.all() == one.all(); });
}

std::vector<Words> words_of(std::span<const char* const> phrases) {
  return {phrases.begin(), phrases.end()};
}

// English, German, French, Spanish, Italian, Portuguese.
constexpr const char* kGreetings[] = {
    "hi",           "hello",      "hey",         "hello there",   "hi there",     "good morning",
    "good evening", "good night", "how are you", "thanks",        "thank you",    "ok",
    "okay",         "bye",        "goodbye",     "hallo",         "guten morgen", "guten tag",
    "guten abend",  "danke",      "tschüss",     "bonjour",       "salut",        "bonsoir",
    "merci",        "hola",       "buenos días", "buenas tardes", "gracias",      "adiós",
    "ciao",         "buongiorno", "buonasera",   "grazie",        "olá",          "bom dia",
    "boa tarde",    "obrigado",   "obrigada"};

constexpr const char* kDemanding[] = {"analyze",
                                      "analyse",
                                      "analysis",
                                      "compare",
                                      "evaluate",
                                      "assess",
                                      "prove",
                                      "derive",
                                      "design",
                                      "architecture",
                                      "refactor",
                                      "debug",
                                      "optimize",
                                      "optimise",
                                      "algorithm",
                                      "strategy",
                                      "tradeoff",
                                      "trade off",
                                      "trade offs",
                                      "tradeoffs",
                                      "pros and cons",
                                      "step by step",
                                      "in depth",
                                      "comprehensive",
                                      "security audit",
                                      "root cause",
                                      "write a program",
                                      "write code",
                                      "implement",
                                      "essay",
                                      "business plan",
                                      "analysiere",
                                      "analysieren",
                                      "vergleiche",
                                      "vergleichen",
                                      "beweise",
                                      "entwirf",
                                      "entwerfen",
                                      "architektur",
                                      "optimiere",
                                      "algorithmus",
                                      "schritt für schritt",
                                      "vor und nachteile",
                                      "analyse",
                                      "analyser",
                                      "compare",
                                      "comparer",
                                      "démontre",
                                      "conçois",
                                      "concevoir",
                                      "optimise",
                                      "algorithme",
                                      "stratégie",
                                      "étape par étape",
                                      "avantages et inconvénients",
                                      "analiza",
                                      "analizar",
                                      "compara",
                                      "comparar",
                                      "demuestra",
                                      "diseña",
                                      "diseñar",
                                      "arquitectura",
                                      "optimiza",
                                      "algoritmo",
                                      "estrategia",
                                      "paso a paso",
                                      "ventajas y desventajas",
                                      "analizza",
                                      "analizzare",
                                      "confronta",
                                      "confrontare",
                                      "dimostra",
                                      "progetta",
                                      "progettare",
                                      "architettura",
                                      "ottimizza",
                                      "strategia",
                                      "passo passo",
                                      "pro e contro",
                                      "analisa",
                                      "analisar",
                                      "projete",
                                      "projetar",
                                      "otimize",
                                      "estratégia",
                                      "passo a passo",
                                      "prós e contras"};

const std::vector<Words>& greetings() {
  static const std::vector<Words> kAll = words_of(kGreetings);
  return kAll;
}

const std::vector<Words>& demanding() {
  static const std::vector<Words> kAll = words_of(kDemanding);
  return kAll;
}

/// One thing that speaks for more of a model, or for less.
struct Rule {
  const char* name;
  int points;
  bool (*speaks)(const Traits&);
};

// The table. Of a group of lengths one row speaks.
constexpr Rule kRules[] = {
    // ---- needs no language
    {"a few words", -2, [](const Traits& t) { return t.words.size() <= 3; }},
    {"a paragraph", 1, [](const Traits& t) { return t.words.size() > 15 && t.words.size() <= 50; }},
    {"many words", 2, [](const Traits& t) { return t.words.size() > 50 && t.words.size() <= 200; }},
    {"a long text", 3, [](const Traits& t) { return t.words.size() > 200; }},
    {"code", 3, [](const Traits& t) { return t.fenced || t.code_lines >= 3; }},
    {"a list", 1, [](const Traits& t) { return t.items >= 3; }},
    {"a table", 1, [](const Traits& t) { return t.table; }},
    {"several sentences", 1, [](const Traits& t) { return t.sentences >= 3; }},
    {"several questions", 1, [](const Traits& t) { return t.questions >= 2; }},
    {"a long talk", 1, [](const Traits& t) { return t.history_bytes > 8'000; }},
    {"tools", 1, [](const Traits& t) { return t.tools > 0; }},
    {"many tools", 1, [](const Traits& t) { return t.tools > 10; }},
    {"a form of the answer", 1, [](const Traits& t) { return t.constrained; }},
    // ---- words
    {"a greeting", -3, [](const Traits& t) { return is_one_of(t, greetings()); }},
    {"a demanding word", 3, [](const Traits& t) { return any_of(t, demanding()); }},
};

}  // namespace

const char* level_name(Level level) {
  constexpr const char* kNames[] = {"operational", "tactical", "strategic"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string_view last_said(const chat::Request& request) {
  if (const auto* plain = std::get_if<chat::PlainText>(&request.prompt)) return plain->text;
  const auto* conversation = std::get_if<chat::Conversation>(&request.prompt);
  if (!conversation) return "";
  for (auto it = conversation->messages.rbegin(); it != conversation->messages.rend(); ++it)
    if (it->role == chat::Role::User) return it->content;
  return "";
}

Assessment assess(const chat::Request& request) {
  const Traits traits(request);
  Assessment made;
  for (const Rule& rule : kRules) {
    if (!rule.speaks(traits)) continue;
    made.score += rule.points;
    made.points.push_back({rule.name, rule.points});
  }
  made.level = made.score >= kStrategicFrom  ? Level::Strategic
               : made.score >= kTacticalFrom ? Level::Tactical
                                             : Level::Operational;
  return made;
}

}  // namespace hearth::model::router
