# SPDX-License-Identifier: MIT
"""UNTESTED: this recipe for Conan 2 has never been run.  usage: conan create packaging/conan"""
import os

from conan import ConanFile
from conan.tools.files import copy
from conan.tools.gnu import PkgConfigDeps
from conan.tools.layout import basic_layout
from conan.tools.meson import Meson, MesonToolchain


class Depthopt(ConanFile):
    name = "depthopt"
    version = "0.1.0"
    license = "MIT"
    description = "Depth as an optimizer: linear maps trained as fast as deep linear networks are"
    topics = ("optimization", "machine-learning", "linear-algebra")
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True, "openblas/*:build_lapack": True}

    def requirements(self):
        self.requires("openblas/[>=0.3.21]")  # with LAPACKE, built in; the system's lapacke.pc is still looked for
        self.requires("cjson/[>=1.7]")

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("meson*", "LICENSE", "include/*", "src/*", "pkgconfig/*", "bindings/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def configure(self):
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def layout(self):
        basic_layout(self)

    def generate(self):
        toolchain = MesonToolchain(self)
        for option in ("tests", "examples", "docs"):
            toolchain.project_options[option] = False
        for feature in ("fortran", "python", "r", "mpi"):
            toolchain.project_options[feature] = "disabled"
        toolchain.generate()
        PkgConfigDeps(self).generate()

    def build(self):
        meson = Meson(self)
        meson.configure()
        meson.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        Meson(self).install()

    def package_info(self):
        self.cpp_info.libs = ["depthopt"]
        self.cpp_info.set_property("pkg_config_name", "depthopt")
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["m", "pthread"]
