#include "model/router/crisis.h"

#include <algorithm>
#include <span>
#include <vector>

#include "model/router/words.h"

namespace hearth::model::router {
namespace {

struct Phrases {
  Crisis crisis;
  std::vector<Words> words;
};

std::vector<Words> words_of(std::span<const char* const> phrases) {
  return {phrases.begin(), phrases.end()};
}

constexpr const char* kSelfHarm[] = {"kill myself",
                                     "killing myself",
                                     "end my life",
                                     "ending my life",
                                     "take my own life",
                                     "taking my own life",
                                     "i want to die",
                                     "i wanna die",
                                     "i wish i was dead",
                                     "i wish i were dead",
                                     "i am suicidal",
                                     "im suicidal",
                                     "feel suicidal",
                                     "feeling suicidal",
                                     "commit suicide",
                                     "hurt myself",
                                     "hurting myself",
                                     "harm myself",
                                     "cut myself on purpose",
                                     "cutting myself",
                                     "no reason to live",
                                     "dont want to live anymore",
                                     "do not want to live anymore",
                                     "better off dead",
                                     "better off without me",
                                     "i took an overdose",
                                     "took too many pills",
                                     "ich will sterben",
                                     "ich möchte sterben",
                                     "mich umbringen",
                                     "bringe mich um",
                                     "mir das leben nehmen",
                                     "nehme mir das leben",
                                     "will nicht mehr leben",
                                     "selbstmord begehen",
                                     "mich selbst verletzen",
                                     "ich ritze mich",
                                     "je veux mourir",
                                     "me suicider",
                                     "mettre fin à mes jours",
                                     "me tuer",
                                     "je veux en finir",
                                     "envie de mourir",
                                     "me faire du mal",
                                     "quiero morir",
                                     "quiero morirme",
                                     "suicidarme",
                                     "me quiero suicidar",
                                     "quitarme la vida",
                                     "matarme",
                                     "no quiero vivir",
                                     "hacerme daño",
                                     "voglio morire",
                                     "suicidarmi",
                                     "uccidermi",
                                     "togliermi la vita",
                                     "farla finita",
                                     "non voglio più vivere",
                                     "farmi del male",
                                     "quero morrer",
                                     "me matar",
                                     "suicidar me",
                                     "tirar a minha vida",
                                     "não quero mais viver",
                                     "me machucar"};

constexpr const char* kViolence[] = {"i will kill him",
                                     "i will kill her",
                                     "i will kill them",
                                     "im going to kill him",
                                     "im going to kill her",
                                     "im going to kill them",
                                     "i am going to kill him",
                                     "i am going to kill her",
                                     "i am going to kill them",
                                     "im going to kill someone",
                                     "i am going to kill someone",
                                     "i want to kill him",
                                     "i want to kill her",
                                     "i want to kill them",
                                     "i want to kill someone",
                                     "i want to kill people",
                                     "shoot up my school",
                                     "shoot up the school",
                                     "shoot up a school",
                                     "ich bringe ihn um",
                                     "ich bringe sie um",
                                     "ich werde ihn umbringen",
                                     "ich werde sie umbringen",
                                     "je vais le tuer",
                                     "je vais la tuer",
                                     "lo voy a matar",
                                     "la voy a matar",
                                     "voy a matarlo",
                                     "voy a matarla",
                                     "lo ammazzo",
                                     "la ammazzo",
                                     "voglio ucciderlo",
                                     "voglio ucciderla",
                                     "vou matá lo",
                                     "vou matá la"};

constexpr const char* kAbuse[] = {"he beats me",
                                  "she beats me",
                                  "he hits me",
                                  "she hits me",
                                  "he hit me",
                                  "my husband beats me",
                                  "my wife beats me",
                                  "my father beats me",
                                  "my dad beats me",
                                  "my boyfriend hits me",
                                  "is beating me",
                                  "i am being abused",
                                  "im being abused",
                                  "he abuses me",
                                  "she abuses me",
                                  "i was raped",
                                  "he raped me",
                                  "he touches me",
                                  "he chokes me",
                                  "he choked me",
                                  "i am afraid of my husband",
                                  "im afraid of my husband",
                                  "er schlägt mich",
                                  "sie schlägt mich",
                                  "mein mann schlägt mich",
                                  "mein vater schlägt mich",
                                  "ich wurde vergewaltigt",
                                  "er hat mich vergewaltigt",
                                  "il me frappe",
                                  "mon mari me frappe",
                                  "il me bat",
                                  "jai été violée",
                                  "jai été violé",
                                  "me pega mi marido",
                                  "mi marido me pega",
                                  "él me pega",
                                  "me violó",
                                  "me violaron",
                                  "mi picchia",
                                  "mio marito mi picchia",
                                  "mi ha violentata",
                                  "sono stata violentata",
                                  "meu marido me bate",
                                  "ele me bate",
                                  "fui estuprada",
                                  "fui violada"};

// What is said so and not meant so.
constexpr const char* kHarmless[] = {"kill myself laughing",
                                     "killing myself laughing",
                                     "hit me up",
                                     "he hit me up",
                                     "hit me with",
                                     "hits me that",
                                     "hits me how",
                                     "hits me like",
                                     "hit me that"};

const std::vector<Phrases>& all_phrases() {
  static const std::vector<Phrases> kAll = {{Crisis::SelfHarm, words_of(kSelfHarm)},
                                            {Crisis::Violence, words_of(kViolence)},
                                            {Crisis::Abuse, words_of(kAbuse)}};
  return kAll;
}

const std::vector<Words>& harmless() {
  static const std::vector<Words> kAll = words_of(kHarmless);
  return kAll;
}

}  // namespace

const char* crisis_name(Crisis crisis) {
  constexpr const char* kNames[] = {"self-harm", "violence", "abuse"};
  return kNames[static_cast<std::size_t>(crisis)];
}

std::optional<Crisis> find_crisis(std::string_view text) {
  const Words words(text);
  const auto has = [&words](const Words& phrase) { return words.contain(phrase); };
  if (std::ranges::any_of(harmless(), has)) return std::nullopt;
  for (const Phrases& phrases : all_phrases())
    if (std::ranges::any_of(phrases.words, has)) return phrases.crisis;
  return std::nullopt;
}

}  // namespace hearth::model::router
