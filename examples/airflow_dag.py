"""invoice_sync at daily@02:00, UTC, from Airflow.

Held against Airflow's documentation (2.9 with the standard provider, and 3), not run there.
The worker is the machine that has the ledger: give it a queue of its own, jobrun.
"""
import pendulum
from airflow import DAG
from airflow.providers.standard.sensors.bash import BashSensor

with DAG(
    dag_id="invoice_sync",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
):
    # A sensor, because it tells "call again" (75; 74 and 83 are made the same) from "for a person" (all other codes,
    # which fail the task at once); the operator of the same name would try both again. A paused job (85) is not a
    # failed one. The date is that of the time that has come, the same in every call and in a catch-up.
    BashSensor(
        task_id="run",
        bash_command="jobrun invoice_sync --run-date {{ data_interval_end.in_timezone('UTC') | ds }} --exit-map 74=75,83=75,85=0",
        retry_exit_code=75,
        mode="reschedule",
        poke_interval=600,
        timeout=108000,
        queue="jobrun",
    )
