// year_store FILE [MESSAGES]: makes a store that holds a year of use, 100,000 messages unless told
// otherwise, as the daemon without tokens of access would own them. bench/turns.py starts on it.
#include <cstdio>
#include <string>

#include "../year.h"

int main(int argc, char** argv) {
  using namespace hearth;
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: year_store FILE [MESSAGES]\n");
    return 2;
  }
  const unsigned messages =
      argc == 3 ? static_cast<unsigned>(std::stoul(argv[2])) : bench::kYearMessages;
  const SystemTime time;
  const auto store = store::Store::open(argv[1]);
  if (!store.ok()) {
    std::fprintf(stderr, "year_store: %s\n", store.error().message.c_str());
    return 1;
  }
  bench::make_year(*store.value(), time, "local", messages);
  return 0;
}
