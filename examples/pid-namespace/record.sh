trace unshare --pid --fork sh -c 'sh -c "sleep 0.1 &"; sleep 0.3'
