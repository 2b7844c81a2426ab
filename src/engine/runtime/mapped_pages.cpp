#include "engine/runtime/mapped_pages.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cinttypes>
#include <fstream>

namespace hearth::engine {
namespace {

/// One line of /proc/PID/maps (proc(5)).
struct Mapping {
  std::uintptr_t begin = 0, end = 0;
  char rights[5] = "";
  unsigned device_major = 0, device_minor = 0;
  std::uint64_t inode = 0;
};

bool parse(const std::string& line, Mapping& mapping) {
  return std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s %*x %x:%x %" SCNu64,
                     &mapping.begin, &mapping.end, mapping.rights, &mapping.device_major,
                     &mapping.device_minor, &mapping.inode) == 6;
}

}  // namespace

void release_mapped_pages(std::FILE* file, const std::string& maps) {
  struct stat status {};
  if (fstat(fileno(file), &status) != 0) return;
  std::ifstream lines(maps);
  std::string line;
  while (std::getline(lines, line)) {
    Mapping mapping;
    if (!parse(line, mapping) || mapping.inode != status.st_ino) continue;
    const bool same_device = mapping.device_major == major(status.st_dev) &&
                             mapping.device_minor == minor(status.st_dev);
    // What was written to a private mapping would be lost.
    const bool read_only = mapping.rights[0] == 'r' && mapping.rights[1] == '-';
    if (!same_device || !read_only) continue;
    madvise(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED);
  }
}

bool can_release_mapped_pages(const std::string& maps) { return access(maps.c_str(), R_OK) == 0; }

}  // namespace hearth::engine
