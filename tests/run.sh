#!/bin/sh
# Installs what a bare Debian 12 lacks, builds with both compilers and under sanitizers, warnings as errors, and runs every
# test. Ends with a line "N passed, N failed, N skipped"; exits 0 only if none failed. Needs root or sudo for the installing.
#   sh tests/run.sh              everything
#   JOBRUN_LONG=1 sh tests/run.sh   the long versions of the crash tests and clang's analyzer too
set -eu
cd "$(dirname "$0")/.."
. examples/install.sh
install_packages g++ clang clang-tidy libclang-rt-14-dev cmake ninja-build make ccache python3 sqlite3 curl nlohmann-json3-dev catch2 libfmt-dev \
  libsqlite3-dev nettle-dev libyaml-dev python3-yaml libcurl4-openssl-dev libcurl4 binutils mandoc strace procps systemd tzdata ca-certificates openssl shellcheck valgrind git chromium tidy zsh fish dpkg-dev lintian \
  debootstrap jq python3-jsonschema

# promtool alone: installing its package would start a Prometheus server.
if [ ! -x build/tools/promtool ]; then
  echo "== promtool"
  mkdir -p build/tools/deb
  if (cd build/tools/deb && apt-get download -q prometheus) >build/tools/promtool.log 2>&1 &&
    dpkg-deb --fsys-tarfile build/tools/deb/prometheus_*.deb | tar -xO ./usr/bin/promtool >build/tools/promtool.new; then
    chmod 755 build/tools/promtool.new
    mv build/tools/promtool.new build/tools/promtool
  else
    cat build/tools/promtool.log # its test is skipped by name
  fi
  rm -rf build/tools/deb
fi

# Schedulers, whose packages would start them: unpacked only. tests/world lays them over a private copy of the machine.
if [ ! -d build/tools/world ]; then
  echo "== schedulers"
  mkdir -p build/tools/deb/partial build/tools/world.new
  as_root=
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  if $as_root apt-get install -qy --no-install-recommends --download-only -o Dir::Cache::archives="$PWD/build/tools/deb" \
    cron libfaketime slurmctld slurmd slurm-client munge >build/tools/world.log 2>&1; then
    for package in build/tools/deb/*.deb; do
      [ ! -e "$package" ] || dpkg-deb -x "$package" build/tools/world.new # none where all are installed
    done
    if [ -d build/tools/world.new/lib ]; then # /lib is a link into /usr
      cp -a build/tools/world.new/lib/. build/tools/world.new/usr/lib/
      rm -r build/tools/world.new/lib
    fi
    mv build/tools/world.new build/tools/world
  else
    cat build/tools/world.log # tests that need them are skipped by name
  fi
  $as_root rm -rf build/tools/deb build/tools/world.new
fi

build() { # NAME COMPILER OPTIONS...
  name=$1 compiler=$2
  shift 2
  echo "== build $name"
  cmake -S . -B "build/$name" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@" >"build/$name.log" 2>&1 ||
    { cat "build/$name.log"; exit 1; }
  cmake --build "build/$name" >>"build/$name.log" 2>&1 || { grep -E -A12 'error|FAILED' "build/$name.log" | head -80; exit 1; }
}
mkdir -p build
CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache}
export CCACHE_DIR
build gcc g++ -DCMAKE_BUILD_TYPE=Release
build clang clang++ -DCMAKE_BUILD_TYPE=Release -DJOBRUN_TOGETHER=ON
build sanitize clang++ -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g1 -DJOBRUN_SANITIZE=ON -DJOBRUN_TOGETHER=ON
build fuzz clang++ -DCMAKE_BUILD_TYPE=Release -DJOBRUN_FUZZ=ON -DJOBRUN_TOGETHER=ON

exec /usr/bin/python3 tests/support/run_all.py build/gcc build/clang build/sanitize
