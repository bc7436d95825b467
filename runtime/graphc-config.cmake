# find_package(graphc): the target graphc::graphrt, which runs plans.
include(CMakeFindDependencyMacro)
find_dependency(tl-expected)
include(${CMAKE_CURRENT_LIST_DIR}/graphc-targets.cmake)
