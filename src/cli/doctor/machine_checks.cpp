#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "cli/doctor/checks.h"
#include "cli/model_choice.h"
#include "cli/terminal/table.h"
#include "engine/model_facts.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kDiskWarnBytes = 512 * kMiB;
constexpr std::uint64_t kDiskFailBytes = 16 * kMiB;
constexpr std::uint32_t kContextMax = 8'192;  // what the engine chooses when nothing is set

/// The value of a /proc/meminfo line in bytes; 0 if it is not there.
std::uint64_t meminfo_bytes(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(std::string(name) + ":");
  if (at == std::string_view::npos) return 0;
  const std::size_t digits = text.find_first_of("0123456789", at + name.size());
  std::uint64_t kib = 0;
  if (digits != std::string_view::npos)
    std::from_chars(text.data() + digits, text.data() + text.size(), kib);
  return kib * 1024;
}

std::uint64_t needed_bytes(const engine::ModelFacts& facts, const config::Config::Model& model) {
  const std::uint64_t context =
      model.context_tokens > 0 ? model.context_tokens : std::min(facts.context_tokens, kContextMax);
  const double bytes_per_value = model.kv_type == "q8_0" || model.deterministic ? 34.0 / 32.0 : 2.0;
  return engine::memory_needed_bytes(facts, context * model.slots, bytes_per_value);
}

struct Need {
  std::uint64_t bytes;  // that have to be there at the start
  std::string what;     // for people
};

/// nullopt: the file cannot be read.
std::optional<Need> need_of_model(const config::Config& config) {
  const auto facts = facts_of(config.model.path);
  if (!facts.ok()) return std::nullopt;
  const std::uint64_t bytes = needed_bytes(facts.value(), config.model);
  return Need{bytes, "the model needs about " + bytes_text(bytes)};
}

std::optional<Need> need_of_pool(const config::Config& config) {
  const auto all = app::look_at_pool(config);
  if (!all.ok()) return std::nullopt;
  const std::uint64_t at_start = app::start_memory_bytes(all.value());
  std::uint64_t largest = 0;
  for (const app::PooledFile& pooled : all.value())
    largest = std::max(largest, pooled.file.memory_bytes);
  return Need{at_start, "the pool may have " + bytes_text(app::pool_memory_bytes_max(config)) +
                            ", of which the start takes " + bytes_text(at_start) +
                            ", its largest model " + bytes_text(largest)};
}

/// The directory itself, or the nearest one above it that is there.
fs::path existing_part(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

bool can_write_in(const fs::path& directory) {
  std::string name = directory / ".hearth-doctor-XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return false;
  ::close(fd);
  ::unlink(name.c_str());
  return true;
}

}  // namespace

Finding check_processor() {
  Finding finding{.name = "processor",
                  .detail = "has all that this build (-march=" HEARTH_MARCH ") uses"};
#if defined(__x86_64__)
  __builtin_cpu_init();
#if !defined(__AVX2__)
  if (__builtin_cpu_supports("avx2"))
    return {"processor", Verdict::Warn, "this build uses none of AVX2, which this processor has",
            "build with -DHEARTH_MARCH=native, or take the x86-64-v3 build"};
#endif
#if defined(__AVX512F__)
  const bool enough = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#elif defined(__AVX2__)
  const bool enough = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  const bool enough = true;
#endif
  if (!enough)
    return {"processor", Verdict::Fail,
            "lacks instructions that this build (-march=" HEARTH_MARCH ") uses",
            "take the portable build, or build on this machine"};
#endif
  return finding;
}

Finding check_clock(std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  const auto day = year_month_day(floor<days>(now));
  const int year = static_cast<int>(day.year());
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", year,
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  // This program was written in 2026; the upper end is where 32-bit clocks wrap.
  if (year < 2026 || year > 2105)
    return {"clock", Verdict::Fail, std::string("says ") + text.data(),
            "set it (timedatectl set-ntp true); times in answers and certificates depend on it"};
  return {"clock", Verdict::Pass, std::string("says ") + text.data()};
}

Finding check_name_files(const std::string& directory) {
  for (const char* name : {"resolv.conf", "hosts"}) {
    const std::string path = directory + "/" + name;
    if (::access(path.c_str(), R_OK) == 0) continue;
    return {"names", Verdict::Warn, path + ": " + std::strerror(errno),
            "make it readable, or host names cannot be looked up; local answers do not need it"};
  }
  return {"names", Verdict::Pass, "resolv.conf and hosts can be read"};
}

Finding check_memory(const config::Config& config, const std::string& meminfo) {
  const auto need = config.pool.models.empty() ? need_of_model(config) : need_of_pool(config);
  if (!need)
    return {"memory", Verdict::Warn, "unknown need: the model cannot be read",
            "see the check of the model"};
  const std::uint64_t total = meminfo_bytes(meminfo, "MemTotal"),
                      available = meminfo_bytes(meminfo, "MemAvailable");
  if (total == 0) return {"memory", Verdict::Warn, "/proc/meminfo cannot be read", "mount /proc"};
  const std::string detail =
      need->what + "; " + bytes_text(available) + " of " + bytes_text(total) + " are available";
  const char* const remedy =
      "use a smaller model or quantization, or set context_tokens or slots lower";
  if (need->bytes > total) return {"memory", Verdict::Fail, detail, remedy};
  if (need->bytes > available)
    return {"memory", Verdict::Warn, detail, std::string("end other programs, or ") + remedy};
  return {"memory", Verdict::Pass, detail};
}

Finding check_data_dir(const std::string& data_dir) {
  const fs::path place = existing_part(data_dir);
  const std::string detail = data_dir + (place == data_dir ? "" : " (to be created)");
  if (!can_write_in(place))
    return {"data directory", Verdict::Fail,
            place.string() + " cannot be written: " + std::strerror(errno),
            "make it writable, or choose another with --data"};
  struct statvfs disk {};
  if (::statvfs(place.c_str(), &disk) != 0) return {"data directory", Verdict::Pass, detail};
  const std::uint64_t free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  const std::string with_space = detail + ", " + bytes_text(free_bytes) + " free";
  if (free_bytes < kDiskWarnBytes)
    return {"data directory", free_bytes < kDiskFailBytes ? Verdict::Fail : Verdict::Warn,
            with_space, "free some disk space"};
  return {"data directory", Verdict::Pass, with_space};
}

}  // namespace hearth::cli
