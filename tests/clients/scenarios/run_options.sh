# Options of which each is guarded by itself.
see docker run --rm --tmpfs /scratch:size=1m busybox df -P /scratch
see docker run --rm --dns 192.0.2.1 --dns-search here.test --dns-option ndots:2 busybox cat /etc/resolv.conf
see docker run --rm --network none --add-host a:192.0.2.2 busybox cat /etc/hosts
see docker run --rm --mac-address 02:42:c0:00:02:03 busybox cat /sys/class/net/eth0/address
see docker run --rm --sysctl net.ipv4.ip_default_ttl=65 busybox cat /proc/sys/net/ipv4/ip_default_ttl
see docker run --rm --cap-add NET_ADMIN --security-opt no-new-privileges busybox grep -E 'CapEff|NoNewPrivs' /proc/self/status
see docker run --rm --device /dev/null:/dev/other busybox ls /dev/other
see docker run --rm --group-add 7 busybox id
see docker run --rm --privileged busybox grep CapEff /proc/self/status
see docker run --rm --network host --uts host busybox hostname
