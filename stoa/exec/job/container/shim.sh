# Runs jobs in a container, one after the other, as they are named on a pipe. It is process 1 there, so that no
# job can end it; what a job leaves running is ended before the answer. Only what every sh has is used.
exec 3</run/stoa/in 4>/run/stoa/out
ooms() {
    n=0
    for f in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        if [ -r "$f" ]; then
            while read -r key value; do
                [ "$key" != oom_kill ] || n=$value
            done <"$f"
        fi
    done
}
ooms
echo "ready $n" >&4
while read -r job <&3; do
    (. "/run/stoa/$job")
    code=$?
    kill -s KILL -- -1 2>/dev/null
    ooms
    {
        echo "$job ended $code $n"
        times
        echo "$job done"
    } >&4
done
