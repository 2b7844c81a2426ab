#pragma once
#include <cstdio>
#include <string>

namespace hearth::engine {

/// Lets go of the pages of `file` that are mapped into this process for reading only. They stay in
/// the system's page cache and come back by themselves when they are read again, so this takes
/// memory from nobody; it is for weights that llama.cpp has copied into another layout and will not
/// read again. `maps`: where the mappings are listed. Any thread.
void release_mapped_pages(std::FILE* file, const std::string& maps = "/proc/self/maps");

/// True where release_mapped_pages() can see the mappings: not in a chroot without /proc.
bool can_release_mapped_pages(const std::string& maps = "/proc/self/maps");

}  // namespace hearth::engine
