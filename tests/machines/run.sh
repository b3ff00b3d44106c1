# What a machine runs when it is up: the tests. It is executed by sh, as root, from the work disk.
cd /forktrace/project
cat /forktrace/ready
results=/forktrace/results
{
    . /etc/os-release && echo "system: $PRETTY_NAME"
    echo "kernel: $(uname -r) $(uname -m)"
    echo "python: $(python3 -c 'import platform; print(platform.python_version())')"
    echo "systemd: $(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')"
    for package in podman conmon crun runc netavark passt slirp4netns; do
        dpkg-query -W -f='${Package}: ${Version}\n' "$package" 2>/dev/null
    done
    echo "commit: $(cat /forktrace/commit)"
    stat -f -c 'cgroups: %T' /sys/fs/cgroup
    echo "ptrace_scope: $(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo none)"
} | tee $results/versions
mkdir -p $results/traces
# Some tests look for it beside Python.
ln -sf /usr/local/bin/forktrace /usr/bin/forktrace
# An interface with a default route, as pasta wants one; it leads nowhere (RFC 5737).
ip link add eth0 type dummy && ip address add 192.0.2.2/24 dev eth0 && ip link set eth0 up &&
    ip route add default via 192.0.2.1
echo nameserver 192.0.2.1 >/etc/resolv.conf
export CI=true FORKTRACE_MACHINE=1 FORKTRACE_PATIENCE=$(cat /forktrace/patience) FORKTRACE_KEEP=$results/traces
# One argument a line, as none holds a line break.
set --
while IFS= read -r argument; do set -- "$@" "$argument"; done </forktrace/arguments
python3 -m pytest -v -p no:cacheprovider --junitxml=$results/junit.xml --durations=10 \
    -o tmp_path_retention_policy=failed "$@" 2>&1 | tee $results/output
# What tests that failed have left in their folders.
cp -a /tmp/pytest-of-root $results/failed 2>/dev/null
