# hearth_room(<name> DEPENDS <room>... EXTERNAL <target>...)
#
# One folder under src/ is one room: a static library of every source file in it (subfolders
# too), and a test program <name>_test of every *_test.cpp. DEPENDS lists the rooms it may
# include; tests/tidy checks the includes against it. EXTERNAL lists libraries that are not ours.
function(hearth_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;EXTERNAL" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/*.S)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  list(TRANSFORM ROOM_DEPENDS PREPEND hearth_)
  set(target hearth_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} hearth_options ${ROOM_DEPENDS} ${ROOM_EXTERNAL})

  if(HEARTH_TESTS AND tests)
    hearth_test(${name}_test SOURCES ${tests} LINK ${target})
  endif()
endfunction()

# hearth_test(<name> SOURCES <file>... LINK <target>...): one GoogleTest program, one ctest entry.
# tests/run.py counts its cases from the report that GTEST_OUTPUT asks for.
function(hearth_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINK} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set(timeout_s 600)
  if(HEARTH_SANITIZE)
    set(timeout_s 900)  # they slow the engine's tests most, which compute with a real model
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout_s} LABELS unit)
endfunction()

# hearth_script_test(<name> COMMAND <command>... [TIMEOUT <seconds>]): a test that is a program of
# any language. Its last line says `N passed, N failed` or `N passed, N failed, N skipped`.
function(hearth_script_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "COMMAND" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${TEST_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS script)
endfunction()
