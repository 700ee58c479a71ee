# Sourced by demo.sh and tests/run.sh: installs the named Debian packages that are missing, as root or through sudo.
install_packages() {
  missing=
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  as_root=
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  echo "== install:$missing"
  # shellcheck disable=SC2086 # a list of words
  { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing; } \
    >/tmp/jobrun-install.$$ 2>&1 || { cat /tmp/jobrun-install.$$; rm -f /tmp/jobrun-install.$$; return 1; }
  rm -f /tmp/jobrun-install.$$
}
