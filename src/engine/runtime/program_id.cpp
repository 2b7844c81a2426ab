#include "engine/runtime/program_id.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>
#include <span>

#include "base/random.h"

namespace hearth::engine {
namespace {

std::size_t padded(std::size_t bytes) { return (bytes + 3) / 4 * 4; }

/// The build identity among the notes, if it is there.
std::string find_in(std::span<const std::uint8_t> notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note{};
    std::memcpy(&note, notes.data(), sizeof(note));
    const std::size_t name = padded(note.n_namesz), value = padded(note.n_descsz);
    if (notes.size() - sizeof(note) < name + value) break;
    const auto rest = notes.subspan(sizeof(note));
    const bool gnu = note.n_namesz == 4 && std::memcmp(rest.data(), "GNU", 4) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID) return to_hex(rest.subspan(name, note.n_descsz));
    notes = rest.subspan(name + value);
  }
  return "";
}

int look_at_program(dl_phdr_info* program, std::size_t, void* found) {
  for (int i = 0; i < program->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = program->dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    const auto* begin = reinterpret_cast<const std::uint8_t*>(program->dlpi_addr + part.p_vaddr);
    auto& id = *static_cast<std::string*>(found);
    if (id.empty()) id = find_in({begin, part.p_memsz});
  }
  return 1;  // the program itself comes first; libraries do not matter
}

}  // namespace

std::string program_id() {
  std::string id;
  dl_iterate_phdr(look_at_program, &id);
  return id.empty() ? HEARTH_VERSION : id;
}

}  // namespace hearth::engine
