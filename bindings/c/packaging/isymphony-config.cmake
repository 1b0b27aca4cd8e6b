# find_package(isymphony) gives the targets
#
#   isymphony::isymphony    the shared library
#   isymphony::static       the same, linked into the program
#
# for C, and for C++17 and later. It works wherever the installed tree is moved to.

get_filename_component(_isymphony_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET isymphony::isymphony)
  add_library(isymphony::isymphony SHARED IMPORTED)
  set_target_properties(isymphony::isymphony PROPERTIES
    IMPORTED_LOCATION "${_isymphony_prefix}/lib/@SONAME@"
    IMPORTED_SONAME "@SONAME@"
    INTERFACE_INCLUDE_DIRECTORIES "${_isymphony_prefix}/include")

  add_library(isymphony::static STATIC IMPORTED)
  set_target_properties(isymphony::static PROPERTIES
    IMPORTED_LOCATION "${_isymphony_prefix}/lib/libisymphony.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_isymphony_prefix}/include"
    INTERFACE_LINK_LIBRARIES "pthread;dl;m")
endif()

unset(_isymphony_prefix)
