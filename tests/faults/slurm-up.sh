#!/usr/bin/env bash
# slurm-up.sh [up|down|env]: boots a private Slurm (1 controller + $NODES slurmd) on ONE host, loopback only,
# no systemd, no cgroups, from Debian packages. Tested: Debian 12, slurm 22.05.8, root, 2 cores.
# Needs: apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge   (~13 s, put
#        /usr/sbin/policy-rc.d 'exit 101' in place first so maintainer scripts start no daemon)
# Seen with it: a task that fails or is killed is never requeued by Slurm itself, `scontrol requeue` from inside works, a dead node's tasks are requeued; a
# controller killed 1 s after a submission forgot the array, one killed after 8 s ran 7 of 20 tasks twice; arrays beyond MaxArraySize (1001 unless a site
# says otherwise) are refused; `sbatch --wait` gives 1 if any task failed; `--dependency=afterany` runs the merge all the same.
set -euo pipefail
NODES=${NODES:-2}; CPUS=${CPUS:-2}; MEM=${MEM:-2000}
D=${SLURM_DIR:-${TMPDIR:-/tmp}/slurm-ci}; BASEPORT=${BASEPORT:-17000}
H=$(hostname -s)
export SLURM_CONF=$D/slurm.conf
wait_for() { local n=0; until eval "$1"; do n=$((n+1)); [ $n -gt 150 ] && { echo "timeout: $1" >&2; tail -5 "$D"/log/* >&2; exit 1; }; sleep 0.1; done; }
up() {
  mkdir -p "$D"/{log,state,run} && chmod 755 "$D" "$D"/*
  # --- munge: private key + socket, never the system one
  mkdir -p "$D/munge" && chmod 755 "$D/munge"
  [ -s "$D/munge/key" ] || { dd if=/dev/urandom of="$D/munge/key" bs=1024 count=1 status=none; }
  chmod 600 "$D/munge/key"
  munged --force --key-file="$D/munge/key" --socket="$D/munge/sock" --pid-file="$D/munge/pid" \
         --log-file="$D/munge/log" --seed-file="$D/munge/seed" --num-threads=2
  cat >"$SLURM_CONF" <<C
ClusterName=ci
SlurmctldHost=$H(127.0.0.1)
SlurmctldPort=$BASEPORT
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$D/munge/sock,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0,default_queue_depth=10000
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$D/log/jobcomp.txt
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
JobRequeue=1
MaxArraySize=100001
MaxJobCount=200000
KillWait=2
MinJobAge=300
SlurmdTimeout=10
InactiveLimit=0
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool-%n
SlurmctldPidFile=$D/run/slurmctld.pid
SlurmdPidFile=$D/run/slurmd-%n.pid
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd-%n.log
SlurmdParameters=config_overrides
C
  for i in $(seq 1 "$NODES"); do
    echo "NodeName=n$i NodeHostname=$H NodeAddr=127.0.0.1 Port=$((BASEPORT+i)) CPUs=$CPUS RealMemory=$MEM State=UNKNOWN" >>"$SLURM_CONF"
  done
  echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP" >>"$SLURM_CONF"
  echo "CgroupPlugin=cgroup/v1" >"$D/cgroup.conf"
  wait_for '[ -S "$D/munge/sock" ]'
  slurmctld -c -f "$SLURM_CONF"
  wait_for 'scontrol ping >/dev/null 2>&1'
  for i in $(seq 1 "$NODES"); do slurmd -N "n$i" -f "$SLURM_CONF"; done
  wait_for '[ "$(sinfo -h -t idle -o %D 2>/dev/null)" = "$NODES" ]'
  echo "export SLURM_CONF=$SLURM_CONF"
}
down() {
  for p in "$D"/run/slurmd-*.pid "$D"/run/slurmctld.pid "$D"/munge/pid; do
    [ -s "$p" ] && kill "$(cat "$p")" 2>/dev/null || true; done
  sleep 0.5
}
case "${1:-up}" in up) up;; down) down;; env) echo "export SLURM_CONF=$SLURM_CONF";; esac
