#include "process/own_executable.h"

#include <sys/auxv.h>
#include <unistd.h>

namespace hearth::process {

std::string own_executable() {
  constexpr const char* kLink = "/proc/self/exe";
  if (::access(kLink, X_OK) == 0) return kLink;
  const auto* started_as = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return started_as ? started_as : kLink;
}

}  // namespace hearth::process
