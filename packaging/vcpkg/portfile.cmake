# SPDX-License-Identifier: MIT
# UNTESTED: this port has never been built. It takes the sources that it lies in:
#     vcpkg install depthopt --overlay-ports=packaging/vcpkg
# LAPACKE comes from lapack-reference, whose pkg-config file must be called lapacke.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

vcpkg_configure_meson(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -Dtests=false -Dexamples=false -Ddocs=false -Dfortran=disabled -Dpython=disabled -Dr=disabled -Dmpi=disabled)
vcpkg_install_meson()
vcpkg_fixup_pkgconfig()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/depthopt)
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
