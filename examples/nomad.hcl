# invoice_sync at daily@02:00, UTC, as a periodic Nomad job.
# Held against Nomad's documentation (1.6.2 and later), not run there.
# To fill in: the node that has the ledger.
job "invoice_sync" {
  type = "batch"

  periodic {
    crons            = ["0 2 * * *"]
    time_zone        = "UTC"
    prohibit_overlap = true
  }

  constraint {
    attribute = "${attr.unique.hostname}"
    value     = "batch1.example.com"
  }

  group "run" {
    # Nomad tries any code but 0 again; a run that is for a person answers the same at once, and executes nothing.
    restart {
      attempts = 2
      interval = "24h"
      delay    = "1m"
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "jobrun" {
      driver       = "raw_exec"
      user         = "jobrun"
      kill_timeout = "30s"

      # Stays for the job's own retries, 6h at the most. A paused job is not a failed one.
      config {
        command = "jobrun"
        args    = ["invoice_sync", "--run-date", "daily@02:00", "--wait=6h", "--exit-map", "85=0"]
      }
    }
  }
}
