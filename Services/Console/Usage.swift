extension Invocation {
    static let usage = """
        usage: console COMMAND ...

        Configuration
          check FILE              read the configuration file and list its problems
          apply FILE              put the configuration file in force as a new version
          migrate                 bring the database to the schema of this program

        Events
          events                  list the log, newest first
              --connection ID  --lane KEY  --kind KIND
              --outcome applied|unmatched|ignored|failed|waiting
              --limit N  --before CURSOR  --json
          event ID                show an event: payload, facts, rules, effects
          explain ID [RULE]       say why each rule, or RULE, did or did not fire
              --connection ID  --json
          links --incident ID     list the records of an incident
          links --record ID       list the incidents of a record
              --connection ID
          status                  show what waits and what failed

        Replay
          replay ID...            process events again; what they have done is left out
              --all               do everything again, what they have done included
          replay --failed         process all failed events again, oldest first
              --connection ID  --limit N

        Several databases
          move CONNECTION         copy a connection from LIAISON_DATABASE_URL to
                                  LIAISON_TARGET_DATABASE_URL, and block it in the first
              --force             also a connection that an earlier move has blocked

        Environment: LIAISON_DATABASE_URL and, for apply, LIAISON_MASTER_KEY (32 bytes, Base64 or
        hexadecimal). Each may be given as a file: LIAISON_DATABASE_URL_FILE. check needs neither.
        Exit status: 0 done, 1 failed, 2 the command line cannot be understood.
        """
}
