# The pinned llama.cpp, built once by third_party/llama/build.sh, as the target hearth_llama.
file(MAKE_DIRECTORY ${CMAKE_SOURCE_DIR}/build/deps)
set(llama_march ${HEARTH_MARCH})
execute_process(
  COMMAND ${CMAKE_SOURCE_DIR}/third_party/llama/build.sh
    ${CMAKE_SOURCE_DIR} ${llama_march} ${HEARTH_LLAMA_SOURCE}
  OUTPUT_VARIABLE llama_built OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "^(.*\n)?([^\n]+)\n([^\n]+)$" "\\2;\\3" llama_paths "${llama_built}")
list(GET llama_paths 0 llama_source)
list(GET llama_paths 1 llama_build)
set(HEARTH_LLAMA_SOURCE_DIR ${llama_source} CACHE INTERNAL "")
set(HEARTH_LLAMA_BUILD_DIR ${llama_build} CACHE INTERNAL "")

add_library(hearth_llama INTERFACE)
target_include_directories(hearth_llama SYSTEM INTERFACE
  ${llama_source}/include ${llama_source}/ggml/include
  ${llama_source}/common ${llama_source}/vendor)
file(GLOB_RECURSE llama_archives ${llama_build}/*.a)
list(FILTER llama_archives EXCLUDE REGEX "mtmd|server")
target_link_libraries(hearth_llama INTERFACE
  -Wl,--start-group ${llama_archives} -Wl,--end-group gomp m Threads::Threads)
