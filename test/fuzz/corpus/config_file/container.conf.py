workers = "auto"
threads = "4"
bind = (
    "0.0.0.0"
    ":8080"
)
worker_tmp_dir = "/dev/shm"
forwarded_allow_ips = "*"
logger_class = "gunicorn.glogging.Logger"
logconfig_dict = {
    "version": 1,
    "handlers": {"console": {"level": "INFO"}},
    "root": {"handlers": ["console"]},
}
statsd_host = "localhost:8125"
control_socket_disable = True
cache_type = "FileSystemCache"
cache_dir = "/var/cache/dash"
cache_default_timeout = 60
cache_threshold = 200
cache_redis_url = "redis://:secret@redis:6379/0"
