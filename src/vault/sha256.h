#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace hearth::vault {

/// SHA-256 of bytes that come piece by piece, such as a large file. One thread. Source: FIPS 180-4.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(std::string_view bytes);
  /// With its length before it: different lists of parts are different bytes.
  void add_part(std::string_view part);
  /// 64 lower-case hex digits of everything added. Ends this object's use.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::vault
