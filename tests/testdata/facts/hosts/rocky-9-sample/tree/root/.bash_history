dnf upgrade --refresh
firewall-cmd --add-service=http
