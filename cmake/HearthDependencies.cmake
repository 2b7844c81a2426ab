# Libraries that are not ours. Debian's packages, and llama.cpp built once under build/deps.
find_package(Threads REQUIRED)
if(HEARTH_STATIC)
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(nlohmann_json 3.11 REQUIRED)
if(HEARTH_TESTS)
  find_package(GTest REQUIRED)
endif()

# Boost.Asio and Beast are headers; no Boost library is linked.
find_path(BOOST_INCLUDE boost/beast/version.hpp REQUIRED)
add_library(hearth_boost INTERFACE)
target_include_directories(hearth_boost SYSTEM INTERFACE ${BOOST_INCLUDE})
target_compile_definitions(hearth_boost INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY)
target_link_libraries(hearth_boost INTERFACE Threads::Threads)

include(HearthLlama)

# llama-common's interface names nlohmann-json's types, in the version beside it. One program must
# not mix two versions of a type, so every room uses that one.
target_include_directories(nlohmann_json::nlohmann_json INTERFACE ${HEARTH_LLAMA_SOURCE_DIR}/vendor)
