# Compiler options that hold for every room.
add_library(hearth_options INTERFACE)
target_compile_features(hearth_options INTERFACE cxx_std_20)
target_compile_options(hearth_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror
  -fno-omit-frame-pointer -fstack-protector-strong -ffunction-sections -fdata-sections)
target_include_directories(hearth_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(hearth_options INTERFACE
  $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>
  HEARTH_VERSION="${PROJECT_VERSION}")
target_link_options(hearth_options INTERFACE -Wl,--gc-sections)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # GCC's warnings are errors. Clang is here for its lock analysis, whose findings are errors too.
  # Designated initialisers that leave defaults alone are wanted; GCC does not warn about them.
  target_compile_options(hearth_options INTERFACE -Wno-error -Wthread-safety -Werror=thread-safety
    -Wno-missing-designated-field-initializers)
else()
  # GCC 12 sees overlaps in std::string where there are none (its bug 105651).
  target_compile_options(hearth_options INTERFACE -Wno-restrict)
endif()
if(HEARTH_SANITIZE)
  target_compile_options(hearth_options INTERFACE
    -fsanitize=${HEARTH_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(hearth_options INTERFACE -fsanitize=${HEARTH_SANITIZE})
  set(HEARTH_STATIC OFF CACHE BOOL "sanitizers need a dynamic executable" FORCE)
else()
  # The sanitizer builds check our code, not speed: they keep the baseline instruction set.
  target_compile_options(hearth_options INTERFACE -march=${HEARTH_MARCH})
endif()
